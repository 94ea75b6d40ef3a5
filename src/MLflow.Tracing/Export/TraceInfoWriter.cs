using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>Writes the body of StartTraceV3 (<c>POST /api/3.0/mlflow/traces</c>): despite its name, the call that completes a trace.</summary>
internal static class TraceInfoWriter
{
    private const int MaxMetadataLength = 250;
    private const int MaxTagLength = 4096;

    // Longer texts of the process than a server keeps are cut once.
    private static readonly string User = TracePreview.Cut(ProcessSource.User, MaxMetadataLength);
    private static readonly string Source = TracePreview.Cut(ProcessSource.Name, MaxMetadataLength);

    public static void Write(IBufferWriter<byte> target, ActiveTrace trace, string experimentId)
    {
        using var json = new Utf8JsonWriter(target, AttributeJson.WriterOptions);
        Write(json, trace, experimentId, isWhole: true);
    }

    /// <param name="json">Takes the text.</param>
    /// <param name="trace">A trace whose root has ended.</param>
    /// <param name="experimentId">Id of its experiment.</param>
    /// <param name="isWhole">False leaves out what the server makes of the spans that it gets in the same request: the previews.</param>
    public static void Write(Utf8JsonWriter json, ActiveTrace trace, string experimentId, bool isWhole)
    {
        var root = trace.Root!;
        var inputs = Find(root, AttributeNames.Inputs);
        var outputs = Find(root, AttributeNames.Outputs);
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
        var durationMs = (root.EndNs - root.StartNs) / 1_000_000;
        WriteTime(json, "request_time", DateTimeOffset.FromUnixTimeMilliseconds(startMs).UtcDateTime);
        json.WriteString("execution_duration", string.Create(CultureInfo.InvariantCulture, $"{durationMs / 1000}.{durationMs % 1000:000}s"));
        json.WriteString("state", root.StatusCode == SpanStatusCode.Error ? "ERROR" : "OK");
        if (isWhole)
        {
            WriteText(json, "request_preview", TracePreview.OfRequest(inputs));
            WriteText(json, "response_preview", TracePreview.OfResponse(outputs));
        }

        WriteMetadata(json, trace, inputs, outputs);
        json.WriteStartObject("tags");
        json.WriteString(TraceKeys.TraceName, TracePreview.Cut(root.Name, MaxTagLength));
        foreach (var (key, value) in trace.Tags())
        {
            if (key != TraceKeys.TraceName)
            {
                json.WriteString(key, TracePreview.Cut(value, MaxTagLength));
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter json, ActiveTrace trace, AttributeValue? inputs, AttributeValue? outputs)
    {
        json.WriteStartObject("trace_metadata");
        json.WriteString(TraceKeys.SchemaVersion, "3");
        WriteStart(json, TraceKeys.Inputs, inputs);
        WriteStart(json, TraceKeys.Outputs, outputs);
        json.WriteString(TraceKeys.SizeStats, SizeStats(trace));
        json.WriteString(TraceKeys.SizeBytes, trace.Sizes.Total.ToString(CultureInfo.InvariantCulture));
        if (trace.TotalUsage() is { } usage)
        {
            json.WriteString(TraceKeys.TokenUsage, UsageJson.Write(usage));
        }

        foreach (var (key, value) in trace.Metadata())
        {
            json.WriteString(key, TracePreview.Cut(value, MaxMetadataLength));
        }

        json.WriteString(TraceKeys.SourceUser, User);
        json.WriteString(TraceKeys.SourceName, Source);
        json.WriteString(TraceKeys.SourceType, "LOCAL");
        json.WriteString(TraceKeys.GitCommit, "");
        json.WriteString(TraceKeys.GitBranch, "");
        json.WriteString(TraceKeys.GitRepoUrl, "");
        json.WriteEndObject();
    }

    /// <summary>Bytes of the spans as they were sent; a reader takes <c>num_spans</c> as the number to wait for.</summary>
    private static string SizeStats(ActiveTrace trace)
    {
        var sizes = trace.Sizes;
        var percentiles = sizes.Percentiles(25, 50, 75);
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"total_size_bytes": {{sizes.Total}}, "num_spans": {{trace.StartedSpans}}, "max": {{sizes.Max}}, "p25": {{percentiles[0]}}, "p50": {{percentiles[1]}}, "p75": {{percentiles[2]}}}""");
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

    private static void WriteTime(Utf8JsonWriter json, string name, DateTime utc)
    {
        // 2026-01-31T10:00:00.1230000Z, of which milliseconds stay.
        Span<char> text = stackalloc char[28];
        utc.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        text[23] = 'Z';
        json.WriteString(name, text[..24]);
    }

    /// <summary>The first characters of a value's JSON text, without a string of it in between.</summary>
    private static void WriteStart(Utf8JsonWriter json, string name, AttributeValue? value)
    {
        if (value is not { } present)
        {
            return;
        }

        if (present.Kind != AttributeValueKind.Json)
        {
            json.WriteString(name, TracePreview.Cut(AttributeJson.StartOf(present, MaxMetadataLength), MaxMetadataLength));
            return;
        }

        // A UTF-16 unit takes three bytes of UTF-8 at most.
        const int most = (MaxMetadataLength + 2) * 3;
        Span<char> text = stackalloc char[most];
        text = text[..Encoding.UTF8.GetChars(present.Json[..Math.Min(present.Json.Length, most)], text)];
        if (text.Length > MaxMetadataLength)
        {
            // Half a surrogate pair is not a character.
            var end = MaxMetadataLength - 3;
            end = char.IsHighSurrogate(text[end - 1]) ? end - 1 : end;
            "...".CopyTo(text[end..]);
            text = text[..(end + 3)];
        }

        json.WriteString(name, text);
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
