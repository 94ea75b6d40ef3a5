using System.Text.Json;

namespace MLflow.Server.Traces;

/// <summary>Reads metadata <c>mlflow.trace.sizeStats</c>: <c>{"total_size_bytes": 2237, "num_spans": 2, "max": 684, …}</c>.</summary>
internal static class TraceSizeStats
{
    /// <summary>How many spans the client announced; null when it did not.</summary>
    public static int? SpanCount(string? json)
    {
        if (json is null)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("num_spans", out var count)
                && count.ValueKind == JsonValueKind.Number
                && count.TryGetInt32(out var number) ? number : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
