using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Metadata;
using System.Runtime.CompilerServices;

[assembly: MetadataUpdateHandler(typeof(MLflow.HotReloadNotice))]

namespace MLflow;

/// <summary>
/// Says which methods with <see cref="TraceAttribute"/> an edit by hot reload has left without their spans: the new body is the compiler's, and no build has woven it.
/// </summary>
/// <remarks>Found by the runtime's hot reload agent. Where a program is trimmed or native there is no hot reload, and the attribute above is taken out with this class.</remarks>
internal static class HotReloadNotice
{
    // Bounded by the program's own methods.
    private static readonly HashSet<string> Told = [];

    /// <param name="types">The types that were changed. Null: not known.</param>
    public static void UpdateApplication(Type[]? types)
    {
        try
        {
            var lost = LostIn(types ?? []);
            lock (Told)
            {
                lost.RemoveAll(method => !Told.Add(method));
            }

            if (lost.Count > 0)
            {
                Mlflow.Log.Warn(
                    nameof(HotReloadNotice) + lost[0],
                    $"hot reload changed {string.Join(", ", lost)}: {(lost.Count == 1 ? "this method with [Trace] is" : "these methods with [Trace] are")} not traced until the next build. In dotnet watch, Ctrl+R builds and restarts.");
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // It is a hint and no more.
        }
    }

    /// <summary>Methods that have the attribute and a body that is not woven, in assemblies that builds weave.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Of a type that hot reload has changed nothing is trimmed.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "As above.")]
    public static List<string> LostIn(Type[] types)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        var lost = new List<string>();
        foreach (var type in types)
        {
            if (UnwovenAssemblies.IsUnwoven(type.Assembly) || UnwovenAssemblies.IsMeantSo(type.Assembly))
            {
                continue;
            }

            foreach (var method in type.GetMethods(all))
            {
                if (method.IsDefined(typeof(TraceAttribute), inherit: false) && method.GetMethodBody() is { } body && !IsWoven(method, body))
                {
                    lost.Add($"{type.FullName}.{method.Name}");
                }
            }
        }

        return lost;
    }

    /// <summary>A woven call stands in a try with a fault, which compilers write into no such method; a woven iterator keeps what the compiler's returns at once.</summary>
    private static bool IsWoven(MethodInfo method, MethodBody body) =>
        body.ExceptionHandlingClauses.Any(clause => clause.Flags == ExceptionHandlingClauseOptions.Fault)
        || (method.IsDefined(typeof(StateMachineAttribute), inherit: false) && body.LocalVariables.Any(local => local.LocalType == method.ReturnType));
}
