using System.Reflection;

namespace MLflow;

/// <summary>Which program made a trace, as MLflow's source metadata says it.</summary>
internal static class ProcessSource
{
    /// <summary><c>OTEL_SERVICE_NAME</c>, or null.</summary>
    public static string? ServiceName { get; } = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is { Length: > 0 } name ? name : null;

    /// <summary>
    /// <c>OTEL_RESOURCE_ATTRIBUTES</c>: <c>key=value</c> pairs, separated by commas, with %-escapes (OpenTelemetry specification, resource SDK). As a whole
    /// it is passed over when a pair is wrong.
    /// </summary>
    public static IReadOnlyList<KeyValuePair<string, string>> ResourceAttributes { get; } = ReadResource(Environment.GetEnvironmentVariable("OTEL_RESOURCE_ATTRIBUTES"));

    public static string User { get; } = Environment.UserName;

    /// <summary>The program's name, without the folder: a path may say more of a machine than it should.</summary>
    public static string Name { get; } =
        Assembly.GetEntryAssembly()?.GetName().Name ?? Path.GetFileNameWithoutExtension(Environment.ProcessPath) ?? "unknown";

    internal static IReadOnlyList<KeyValuePair<string, string>> ReadResource(string? text)
    {
        var attributes = new List<KeyValuePair<string, string>>();
        foreach (var pair in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
            {
                return [];
            }

            attributes.Add(new(Uri.UnescapeDataString(pair[..at].Trim()), Uri.UnescapeDataString(pair[(at + 1)..].Trim())));
        }

        return attributes;
    }
}
