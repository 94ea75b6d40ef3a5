using System.Reflection;
using System.Reflection.Metadata;
using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// Says, once for each, which assemblies have methods with <see cref="TraceAttribute"/> that no build wove: there the attribute does nothing, and
/// nothing else would say so.
/// </summary>
/// <remarks>
/// It reads metadata where they lie in memory, in the background, and looks no further than the table of types that an assembly names. In a native
/// binary there are none to read; what is compiled to one was built with the package's build files.
/// </remarks>
internal static class UnwovenAssemblies
{
    /// <summary>Full name of the type that the weaver leaves in each assembly that it has seen.</summary>
    public const string MarkerType = "<MLflow.Tracing>";

    /// <summary>Key of the assembly's metadata that says that it was meant not to be woven.</summary>
    public const string SwitchKey = "MlflowTraceWeaving";

    private static SelfLog? _log;

    /// <summary>Looks at all assemblies of the process, those that are loaded later included.</summary>
    public static void Watch(SelfLog log)
    {
        if (!RuntimeFeature.IsDynamicCodeSupported)
        {
            return;
        }

        _log = log;
        AppDomain.CurrentDomain.AssemblyLoad += OnLoad;
        ThreadPool.UnsafeQueueUserWorkItem(
            static log =>
            {
                foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies())
                {
                    Check(assembly, log);
                }
            },
            log,
            preferLocal: false);
    }

    /// <summary>Looks at no further assemblies: we are a plug-in that is unloaded.</summary>
    public static void Forget() => AppDomain.CurrentDomain.AssemblyLoad -= OnLoad;

    /// <summary>True when the assembly uses the attribute, was not woven and was meant to be.</summary>
    public static unsafe bool IsUnwoven(Assembly assembly)
    {
        if (!assembly.TryGetRawMetadata(out var blob, out var length))
        {
            return false;
        }

        var metadata = new MetadataReader(blob, length);
        var result = ReferencesUs(metadata) && UsesTheAttribute(metadata) && !HasMarker(metadata) && !IsMeantSo(assembly);
        GC.KeepAlive(assembly);
        return result;
    }

    /// <summary>In the background: whoever loads an assembly may hold locks, and waits.</summary>
    private static void OnLoad(object? sender, AssemblyLoadEventArgs loaded) =>
        ThreadPool.UnsafeQueueUserWorkItem(static assembly => Check(assembly, _log!), loaded.LoadedAssembly, preferLocal: false);

    private static void Check(Assembly assembly, SelfLog log)
    {
        try
        {
            if (!assembly.IsDynamic && IsUnwoven(assembly))
            {
                var name = assembly.GetName().Name;
                log.Warn(
                    nameof(UnwovenAssemblies) + name,
                    $"methods with [Trace] in {name} are not traced, because its build did not weave them. Let its project reference the package MLflow.Tracing with its build files, or use Mlflow.Trace and Mlflow.StartSpan.");
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // It is a hint and no more.
        }
    }

    private static bool ReferencesUs(MetadataReader metadata)
    {
        foreach (var handle in metadata.AssemblyReferences)
        {
            if (metadata.StringComparer.Equals(metadata.GetAssemblyReference(handle).Name, "MLflow.Tracing"))
            {
                return true;
            }
        }

        return false;
    }

    private static bool UsesTheAttribute(MetadataReader metadata)
    {
        foreach (var handle in metadata.TypeReferences)
        {
            var type = metadata.GetTypeReference(handle);
            if (metadata.StringComparer.Equals(type.Name, nameof(TraceAttribute)) && metadata.StringComparer.Equals(type.Namespace, nameof(MLflow)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool HasMarker(MetadataReader metadata)
    {
        foreach (var handle in metadata.TypeDefinitions)
        {
            if (metadata.StringComparer.Equals(metadata.GetTypeDefinition(handle).Name, MarkerType))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Its build was told not to weave it.</summary>
    public static bool IsMeantSo(Assembly assembly) =>
        assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(data => data.Key == SwitchKey && data.Value == "false");
}
