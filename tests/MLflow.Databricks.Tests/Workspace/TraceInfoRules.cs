using System.Globalization;
using System.Text.Json.Nodes;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>What a TraceInfo must be. Fact sheet §1.8, protocol sheet §2.2.</summary>
internal static class TraceInfoRules
{
    /// <summary>Fact sheet §1.8: the preview limit of Databricks.</summary>
    public const int MaxPreview = 10_000;

    private static readonly string[] Members =
    [
        "trace_id", "client_request_id", "trace_location", "request_preview", "response_preview", "request_time", "execution_duration", "state", "trace_metadata", "tags", "assessments",
    ];

    /// <returns>What is wrong; null where nothing is.</returns>
    public static string? Mistake(JsonObject info, string schemaVersion)
    {
        ApiRequest.Only(info, Members);
        var metadata = info["trace_metadata"] as JsonObject ?? [];
        var tags = info["tags"] as JsonObject ?? [];
        return (info, metadata, tags) switch
        {
            _ when !DateTimeOffset.TryParseExact(ApiRequest.Text(info, "request_time"), ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"], CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset _) =>
                "request_time is not RFC 3339",
            _ when ApiRequest.Text(info, "state") is not ("OK" or "ERROR" or "IN_PROGRESS") => "state is not known",
            _ when ApiRequest.Text(info, "execution_duration") is not [.., 's'] => "execution_duration is not in seconds",
            _ when ApiRequest.Text(info, "request_preview")?.Length > MaxPreview || ApiRequest.Text(info, "response_preview")?.Length > MaxPreview => "a preview is too long",
            _ when ApiRequest.Text(metadata, "mlflow.trace_schema.version") != schemaVersion => "mlflow.trace_schema.version must be " + schemaVersion,
            _ when metadata.Any(m => m.Key.Length > 250 || m.Value!.GetValue<string>().Length > 250) => "trace_metadata has more than 250 characters",
            _ when tags.Any(t => t.Key.Length > 250 || t.Value!.GetValue<string>().Length > 4096) => "tags have more characters than they may",
            _ => null,
        };
    }
}
