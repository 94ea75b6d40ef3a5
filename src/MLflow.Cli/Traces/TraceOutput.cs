using System.Globalization;
using System.Text.Json;
using MLflow.Cli.Output;

namespace MLflow.Cli.Traces;

/// <summary>Traces as a table.</summary>
internal static class TraceOutput
{
    public static Task WriteTableAsync(IEnumerable<JsonElement> infos)
    {
        var table = StandardOutput.Table("TRACE ID", "TIME", "STATE", "TOOK", "NAME", "REQUEST", "RESPONSE");
        foreach (var info in infos)
        {
            table.Add(
                TraceReader.IdOf(info),
                ApiJson.Text(info, "request_time"),
                ApiJson.Text(info, "state"),
                TraceDocument.DurationMs(info) is { } ms ? (ms / 1000m).ToString("0.000", CultureInfo.InvariantCulture) + "s" : null,
                ApiJson.Member(info, "tags") is { } tags ? ApiJson.Text(tags, TraceKeys.TraceName) : null,
                ApiJson.Text(info, "request_preview"),
                ApiJson.Text(info, "response_preview"));
        }

        return StandardOutput.WriteAsync(table);
    }
}
