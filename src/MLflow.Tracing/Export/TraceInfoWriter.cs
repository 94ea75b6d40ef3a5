using System.Globalization;
using System.Text;

namespace MLflow;

/// <summary>Writes the body of StartTraceV3 (<c>POST /api/3.0/mlflow/traces</c>): despite its name, the call that completes a trace.</summary>
/// <remarks>Each trace has one, and most of it is the same in all: what is the same is text that is ready.</remarks>
internal static class TraceInfoWriter
{
    private const int MaxMetadataLength = 250;
    private const int MaxTagLength = 4096;

    private static readonly byte[] InputsName = Name(TraceKeys.Inputs);
    private static readonly byte[] OutputsName = Name(TraceKeys.Outputs);
    private static readonly byte[] SizeStatsName = Name(TraceKeys.SizeStats);
    private static readonly byte[] SizeBytesName = Name(TraceKeys.SizeBytes);
    private static readonly byte[] TokenUsageName = Name(TraceKeys.TokenUsage);
    private static readonly byte[] BeforeMetadata = [.. ",\"trace_metadata\":{"u8, .. Name(TraceKeys.SchemaVersion).AsSpan(1), .. "\"3\""u8];
    private static readonly byte[] BeforeTags = [.. ",\"tags\":{"u8, .. Name(TraceKeys.TraceName).AsSpan(1)];

    /// <summary>Which program it is, as members of the metadata behind others, and the end of the metadata.</summary>
    public static byte[] OfProcess { get; } = ProcessMetadata();

    /// <param name="target">Takes the text.</param>
    /// <param name="trace">A trace whose root has ended.</param>
    /// <param name="withPreviews">False leaves out what our server makes of the spans.</param>
    /// <param name="redactor">Takes out of the facts what may not be sent; null where there is no need. The spans were redacted before.</param>
    /// <returns>Where the experiment's id has to be put, within its quotes: bytes from the beginning of the text.</returns>
    public static int Write(ProtobufWriter target, ActiveTrace trace, bool withPreviews, FactsRedactor? redactor)
    {
        var preview = DatabricksUri.IsDatabricks(trace.Destination.TrackingUri) ? WorkspaceExport.MaxPreview : TracePreview.MaxLength;
        var start = target.Position;
        var root = trace.Root!;
        var told = trace.Told();
        var inputs = Find(root, AttributeNames.Inputs);
        var outputs = Find(root, AttributeNames.Outputs);
        target.Write("{\"trace\":{\"trace_info\":{\"trace_id\":\""u8);
        target.WriteText(trace.TraceId);
        target.Write("\",\"trace_location\":{\"type\":\"MLFLOW_EXPERIMENT\",\"mlflow_experiment\":{\"experiment_id\":\""u8);
        var experiment = target.Position - start;
        target.Write("\"}},\"request_time\":\""u8);
        WriteTime(target, root.StartNs);
        target.Write("\",\"execution_duration\":\""u8);
        WriteSeconds(target, (root.EndNs - root.StartNs) / 1_000_000);
        target.Write((told.State ?? root.StatusCode) == SpanStatusCode.Error ? "s\",\"state\":\"ERROR\""u8 : "s\",\"state\":\"OK\""u8);
        WriteMember(target, "client_request_id", Told("client_request_id", told.ClientRequestId, redactor));
        WriteMember(target, "request_preview", Preview("request_preview", told.RequestPreview, redactor, preview) ?? (withPreviews ? TracePreview.OfRequest(inputs, preview) : null));
        WriteMember(target, "response_preview", Preview("response_preview", told.ResponsePreview, redactor, preview) ?? (withPreviews ? TracePreview.OfResponse(outputs, preview) : null));
        WriteMetadata(target, trace, inputs, outputs, redactor);
        WriteAssessments(target, trace, redactor);
        target.Write(BeforeTags);
        JsonString.Write(target, TracePreview.Cut(root.Name, MaxTagLength));
        foreach (var (key, value) in trace.Tags())
        {
            if (key != TraceKeys.TraceName)
            {
                WriteMember(target, key, TracePreview.Cut(redactor?.Redact(key, value) ?? value, MaxTagLength));
            }
        }

        target.Write("}}}}"u8);
        return experiment;
    }

    private static string? Told(string name, string? told, FactsRedactor? redactor) => told is null ? null : redactor?.Redact(name, told) ?? told;

    private static string? Preview(string name, string? told, FactsRedactor? redactor, int length) =>
        redactor is { LeavesOutContent: true } || Told(name, told, redactor) is not { } text ? null : TracePreview.Cut(text, length);

    private static void WriteAssessments(ProtobufWriter target, ActiveTrace trace, FactsRedactor? redactor)
    {
        if (trace.Assessments() is not { Count: > 0 } assessments)
        {
            return;
        }

        target.Write(",\"assessments\":"u8);
        target.Write(ScratchJson.Write(redactor is null ? assessments : [.. assessments.Select(redactor.Redact)], static (json, s) =>
        {
            json.WriteStartArray();
            foreach (var assessment in s)
            {
                AssessmentFormat.Write(json, assessment);
            }

            json.WriteEndArray();
        }));
    }

    private static void WriteMetadata(ProtobufWriter target, ActiveTrace trace, AttributeValue? inputs, AttributeValue? outputs, FactsRedactor? redactor)
    {
        target.Write(BeforeMetadata);
        WriteStart(target, InputsName, inputs);
        WriteStart(target, OutputsName, outputs);
        WriteSizes(target, trace);
        if (trace.TotalUsage() is { } usage)
        {
            target.Write(TokenUsageName);
            JsonString.Write(target, UsageJson.Write(usage));
        }

        foreach (var (key, value) in trace.Metadata())
        {
            WriteMember(target, key, TracePreview.Cut(redactor?.Redact(key, value) ?? value, MaxMetadataLength));
        }

        target.Write(trace.Outlet.OfProcess ?? OfProcess);
    }

    /// <summary>Which program it is, and the end of the metadata. Longer texts than a server keeps are cut.</summary>
    private static byte[] ProcessMetadata()
    {
        using var target = new ProtobufWriter();
        WriteMember(target, TraceKeys.SourceUser, TracePreview.Cut(ProcessSource.User, MaxMetadataLength));
        WriteMember(target, TraceKeys.SourceName, TracePreview.Cut(ProcessSource.Name, MaxMetadataLength));
        WriteMember(target, TraceKeys.SourceType, "LOCAL");

        // Here, since the first trace is encoded in the background: files are read.
        var git = GitSource.OfProgram();
        WriteMember(target, TraceKeys.GitCommit, git.Commit);
        WriteMember(target, TraceKeys.GitBranch, TracePreview.Cut(git.Branch, MaxMetadataLength));
        WriteMember(target, TraceKeys.GitRepoUrl, TracePreview.Cut(git.RepositoryUrl, MaxMetadataLength));
        target.Write("}"u8);
        return target.Written.ToArray();
    }

    /// <summary>Bytes of the spans as they are sent; a reader takes <c>num_spans</c> as the number to wait for.</summary>
    private static void WriteSizes(ProtobufWriter target, ActiveTrace trace)
    {
        var sizes = trace.Sizes;
        Span<long> percentiles = stackalloc long[3];
        sizes.Percentiles([25, 50, 75], percentiles);
        target.Write(SizeStatsName);
        target.Write("\"{\\\"total_size_bytes\\\": "u8);
        target.WriteDigits(sizes.Total);
        target.Write(", \\\"num_spans\\\": "u8);
        target.WriteDigits(trace.StartedSpans);
        target.Write(", \\\"max\\\": "u8);
        target.WriteDigits(sizes.Max);
        target.Write(", \\\"p25\\\": "u8);
        target.WriteDigits(percentiles[0]);
        target.Write(", \\\"p50\\\": "u8);
        target.WriteDigits(percentiles[1]);
        target.Write(", \\\"p75\\\": "u8);
        target.WriteDigits(percentiles[2]);
        target.Write("}\""u8);
        target.Write(SizeBytesName);
        target.Write("\""u8);
        target.WriteDigits(sizes.Total);
        target.Write("\""u8);
    }

    private static AttributeValue? Find(LiveSpan span, string key)
    {
        foreach (ref readonly var attribute in span.EndedAttributeSpan)
        {
            if (attribute.Key == key)
            {
                return attribute.Value;
            }
        }

        return null;
    }

    /// <summary>2026-01-31T10:00:00.123Z</summary>
    private static void WriteTime(ProtobufWriter target, long unixNs)
    {
        Span<byte> text = stackalloc byte[28];
        DateTimeOffset.FromUnixTimeMilliseconds(unixNs / 1_000_000).UtcDateTime.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        text[23] = (byte)'Z';
        target.Write(text[..24]);
    }

    private static void WriteSeconds(ProtobufWriter target, long milliseconds)
    {
        target.WriteDigits(milliseconds / 1000);
        var rest = (int)(milliseconds % 1000);
        target.Write([(byte)'.', (byte)('0' + (rest / 100)), (byte)('0' + (rest / 10 % 10)), (byte)('0' + (rest % 10))]);
    }

    /// <summary>The first characters of a value's JSON text, without a string of it in between.</summary>
    private static void WriteStart(ProtobufWriter target, byte[] name, AttributeValue? value)
    {
        if (value is not { } present)
        {
            return;
        }

        target.Write(name);
        if (present.Kind != AttributeValueKind.Json)
        {
            JsonString.Write(target, TracePreview.Cut(AttributeJson.StartOf(present, MaxMetadataLength), MaxMetadataLength));
            return;
        }

        var json = present.Json;
        if (json.Length <= MaxMetadataLength)
        {
            JsonString.Write(target, json);
        }
        else if (Ascii.IsValid(json[..(MaxMetadataLength + 1)]))
        {
            JsonString.Write(target, json[..(MaxMetadataLength - 3)], "..."u8);
        }
        else
        {
            // A UTF-16 unit takes three bytes of UTF-8 at most.
            var text = Encoding.UTF8.GetString(json[..Math.Min(json.Length, (MaxMetadataLength + 2) * 3)]);
            JsonString.Write(target, Encoding.UTF8.GetBytes(TracePreview.Cut(text, MaxMetadataLength)));
        }
    }

    private static void WriteMember(ProtobufWriter target, string name, string? value)
    {
        if (value is not null)
        {
            target.Write(","u8);
            JsonString.Write(target, name);
            target.Write(":"u8);
            JsonString.Write(target, value);
        }
    }

    /// <summary>What stands before a member's value, as it is written behind another one.</summary>
    private static byte[] Name(string name) => Encoding.UTF8.GetBytes($",\"{name}\":");
}
