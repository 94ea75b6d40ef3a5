using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace MLflow;

/// <summary>Writes the body of StartTraceV3 (<c>POST /api/3.0/mlflow/traces</c>): despite its name, the call that completes a trace.</summary>
internal static class TraceInfoWriter
{
    private const int MaxMetadataLength = 250;

    public static byte[] Write(ActiveTrace trace, string experimentId)
    {
        var root = trace.Root!;
        var inputs = Find(root, AttributeNames.Inputs);
        var outputs = Find(root, AttributeNames.Outputs);
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var json = new Utf8JsonWriter(buffer, AttributeJson.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartObject("trace");
            json.WriteStartObject("trace_info");
            json.WriteString("trace_id", trace.TraceId);
            json.WriteStartObject("trace_location");
            json.WriteString("type", "MLFLOW_EXPERIMENT");
            json.WriteStartObject("mlflow_experiment");
            json.WriteString("experiment_id", experimentId);
            json.WriteEndObject();
            json.WriteEndObject();
            var startMs = root.StartNs / 1_000_000;
            var durationMs = (root.EndNs / 1_000_000) - startMs;
            json.WriteString("request_time", DateTimeOffset.FromUnixTimeMilliseconds(startMs).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("execution_duration", string.Create(CultureInfo.InvariantCulture, $"{durationMs / 1000}.{durationMs % 1000:000}s"));
            json.WriteString("state", root.StatusCode == SpanStatusCode.Error ? "ERROR" : "OK");
            WriteText(json, "request_preview", TracePreview.OfRequest(inputs));
            WriteText(json, "response_preview", TracePreview.OfResponse(outputs));
            WriteMetadata(json, trace, inputs, outputs);
            json.WriteStartObject("tags");
            json.WriteString(TraceKeys.TraceName, root.Name);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteMetadata(Utf8JsonWriter json, ActiveTrace trace, AttributeValue? inputs, AttributeValue? outputs)
    {
        json.WriteStartObject("trace_metadata");
        json.WriteString(TraceKeys.SchemaVersion, "3");
        WriteText(json, TraceKeys.Inputs, inputs is { } i ? TracePreview.Cut(AttributeJson.Of(i), MaxMetadataLength) : null);
        WriteText(json, TraceKeys.Outputs, outputs is { } o ? TracePreview.Cut(AttributeJson.Of(o), MaxMetadataLength) : null);
        var sizes = trace.SentSizes;
        json.WriteString(TraceKeys.SizeStats, SizeStats(sizes));
        json.WriteString(TraceKeys.SizeBytes, sizes.Sum(s => (long)s).ToString(CultureInfo.InvariantCulture));
        if (trace.TotalUsage() is { } usage)
        {
            json.WriteString(TraceKeys.TokenUsage, UsageJson.Write(usage));
        }

        json.WriteString(TraceKeys.SourceUser, ProcessSource.User);
        json.WriteString(TraceKeys.SourceName, ProcessSource.Name);
        json.WriteString(TraceKeys.SourceType, "LOCAL");
        json.WriteString(TraceKeys.GitCommit, "");
        json.WriteString(TraceKeys.GitBranch, "");
        json.WriteString(TraceKeys.GitRepoUrl, "");
        json.WriteEndObject();
    }

    /// <summary>Bytes of the spans as they were sent; a reader takes <c>num_spans</c> as the number to wait for.</summary>
    private static string SizeStats(List<int> sizes)
    {
        var sorted = sizes.Order().ToArray();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"total_size_bytes\": {sizes.Sum(s => (long)s)}, \"num_spans\": {sizes.Count}, \"max\": {sorted[^1]}, \"p25\": {Percentile(sorted, 25)}, \"p50\": {Percentile(sorted, 50)}, \"p75\": {Percentile(sorted, 75)}}}");
    }

    private static long Percentile(int[] sorted, int percent)
    {
        var position = (sorted.Length - 1) * percent / 100.0;
        var below = (int)position;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return (long)(sorted[below] + ((sorted[above] - sorted[below]) * (position - below)));
    }

    private static AttributeValue? Find(LiveSpan span, string key)
    {
        foreach (var (name, value) in span.EndedAttributes)
        {
            if (name == key)
            {
                return value;
            }
        }

        return null;
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
