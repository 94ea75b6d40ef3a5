using System.Reflection;

namespace MLflow;

/// <summary>Which program made a trace, as MLflow's source metadata says it.</summary>
internal static class ProcessSource
{
    /// <summary><c>OTEL_SERVICE_NAME</c>, or null.</summary>
    public static string? ServiceName { get; } = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is { Length: > 0 } name ? name : null;

    public static string User { get; } = Environment.UserName;

    /// <summary>The program's name, without the folder: a path may say more of a machine than it should.</summary>
    public static string Name { get; } =
        Assembly.GetEntryAssembly()?.GetName().Name ?? Path.GetFileNameWithoutExtension(Environment.ProcessPath) ?? "unknown";
}
