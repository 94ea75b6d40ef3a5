using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MLflow.Cli.Traces;

namespace MLflow.Cli.MlflowDatabases;

/// <summary>
/// A hash of what must be the same of a trace on both sides: its facts, tags, metadata, assessments, and its spans with attributes, events and status. What the server
/// adds (mapped attributes, costs, where its files are) is left out: only what the source has is looked at.
/// </summary>
internal static class TraceFingerprint
{
    /// <param name="source">What is to be looked at.</param>
    /// <param name="trace">Where it is looked for; the same for the source's own.</param>
    public static string Of(TraceDocument source, TraceDocument trace)
    {
        var text = new StringBuilder();
        foreach (var name in (string[])["client_request_id", "request_preview", "response_preview", "state"])
        {
            if (ApiJson.Text(source.Info, name) is { Length: > 0 })
            {
                Line(text, name, ApiJson.Text(trace.Info, name));
            }
        }

        Line(text, "time", Time(trace.Info));
        Line(text, "duration", TraceDocument.DurationMs(source.Info) is null ? "" : TraceDocument.DurationMs(trace.Info)?.ToString(CultureInfo.InvariantCulture));
        foreach (var map in (string[])["tags", "trace_metadata"])
        {
            foreach (var key in Keys(source.Info, map))
            {
                Line(text, $"{map} {key}", ApiJson.Member(trace.Info, map) is { } pairs ? ApiJson.Text(pairs, key) : null);
            }
        }

        // Servers give assessments ids of their own.
        var assessments = ApiJson.Items(trace.Info, "assessments").Select(Assessment).ToHashSet();
        foreach (var assessment in ApiJson.Items(source.Info, "assessments").Select(Assessment).Order(StringComparer.Ordinal))
        {
            Line(text, "assessment", assessments.Contains(assessment) ? assessment : null);
        }

        var spans = trace.Spans.ToLookup(SpanId);
        foreach (var span in source.Spans.OrderBy(SpanId, StringComparer.Ordinal))
        {
            Span(text, span, spans[SpanId(span)].FirstOrDefault());
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static void Span(StringBuilder text, JsonElement source, JsonElement span)
    {
        if (span.ValueKind == JsonValueKind.Undefined)
        {
            Line(text, "span", $"{SpanId(source)} is missing");
            return;
        }

        Line(text, "span", $"{SpanId(span)} {StoredSpan.HexSpanId(ApiJson.Text(span, "parent_span_id"))} {ApiJson.Text(span, "start_time_unix_nano")} {ApiJson.Text(span, "end_time_unix_nano")}");
        Line(text, "name", ApiJson.Text(span, "name"));
        Line(text, "status", (ApiJson.Member(span, "status") is { } status ? ApiJson.Text(status, "code") : null)?.Replace("STATUS_CODE_", "", StringComparison.Ordinal) ?? "UNSET");
        var attributes = StoredSpan.Attributes(span);
        foreach (var key in StoredSpan.Attributes(source).Keys.Order(StringComparer.Ordinal))
        {
            Line(text, key, attributes.TryGetValue(key, out var value) ? Canonical(value) : null);
        }

        foreach (var item in ApiJson.Items(span, "events"))
        {
            Line(text, "event", $"{ApiJson.Text(item, "name")} {ApiJson.Text(item, "time_unix_nano")}");
        }
    }

    private static IEnumerable<string> Keys(JsonElement info, string map) => ApiJson.Member(info, map) is { ValueKind: JsonValueKind.Object } pairs
        ? pairs.EnumerateObject().Select(pair => pair.Name).Where(key => key is not (TraceKeys.ArtifactLocation or TraceKeys.SpansLocation or TraceKeys.InfoFinalized)).Order(StringComparer.Ordinal)
        : [];

    private static string SpanId(JsonElement span) => StoredSpan.HexSpanId(ApiJson.Text(span, "span_id")) ?? ApiJson.Text(span, "span_id") ?? "";

    private static string? Time(JsonElement info) =>
        DateTimeOffset.TryParse(ApiJson.Text(info, "request_time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture) : null;

    private static string Assessment(JsonElement assessment) => string.Join('\u001f', ApiJson.Text(assessment, "assessment_name"), Value(assessment), ApiJson.Text(assessment, "rationale"));

    private static string Value(JsonElement assessment)
    {
        foreach (var type in (string[])["feedback", "expectation"])
        {
            if (ApiJson.Member(assessment, type) is { } typed)
            {
                return type + (ApiJson.Member(typed, "serialized_value") is { } text && ApiJson.Text(text, "value") is { } json ? Canonical(JsonElement.Parse(json, TraceDocument.ReaderOptions))
                    : ApiJson.Member(typed, "value") is { } value ? Canonical(value) : "null");
            }
        }

        return "";
    }

    /// <summary>JSON in one form: members by name, numbers by their value.</summary>
    private static string Canonical(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(',', value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal).Select(member => $"{JsonEncodedText.Encode(member.Name)}:{Canonical(member.Value)}"))}}}",
        JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(Canonical))}]",
        JsonValueKind.Number => value.TryGetInt64(out var whole) ? whole.ToString(CultureInfo.InvariantCulture) : value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        JsonValueKind.String => $"\"{JsonEncodedText.Encode(value.GetString()!)}\"",
        _ => value.GetRawText(),
    };

    private static void Line(StringBuilder text, string name, string? value) => text.Append(name).Append('\u001f').Append(value ?? "absent").Append('\n');
}
