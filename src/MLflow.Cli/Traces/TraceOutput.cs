using System.Globalization;
using System.Text.Json;
using MLflow.Cli.Output;

namespace MLflow.Cli.Traces;

/// <summary>Traces as a table.</summary>
internal static class TraceOutput
{
    /// <param name="infos">What is known of each.</param>
    /// <param name="rootNames">Names of those that have none of their own.</param>
    public static Task WriteTableAsync(IEnumerable<JsonElement> infos, Dictionary<string, string?> rootNames)
    {
        var table = StandardOutput.Table("TRACE ID", "TIME", "STATE", "TOOK", "NAME", "REQUEST", "RESPONSE");
        foreach (var info in infos)
        {
            table.Add(
                TraceReader.IdOf(info),
                ApiJson.Text(info, "request_time"),
                ApiJson.Text(info, "state"),
                TraceDocument.DurationMs(info) is { } ms ? (ms / 1000m).ToString("0.000", CultureInfo.InvariantCulture) + "s" : null,
                NameOf(info) ?? rootNames.GetValueOrDefault(TraceReader.IdOf(info) ?? ""),
                ApiJson.Text(info, "request_preview"),
                ApiJson.Text(info, "response_preview"));
        }

        return StandardOutput.WriteAsync(table);
    }

    /// <summary>The name with which a trace was sent; null where it was sent without.</summary>
    public static string? NameOf(JsonElement info) => ApiJson.Member(info, "tags") is { } tags && ApiJson.Text(tags, TraceKeys.TraceName) is { Length: > 0 } name ? name : null;
}
