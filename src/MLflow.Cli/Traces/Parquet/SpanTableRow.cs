using System.Text.Json;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>A row: a span of a trace, or a trace that has none.</summary>
internal sealed class SpanTableRow
{
    private readonly JsonElement _usage;
    private readonly JsonElement _cost;
    private readonly JsonElement _metadata;
    private readonly JsonElement _traceUsage;
    private readonly JsonElement _traceCost;

    public SpanTableRow(TraceDocument trace, JsonElement? span, bool isFirst)
    {
        Trace = trace;
        Span = span ?? default;
        IsFirst = isFirst;
        Attributes = span is { } given ? StoredSpan.Attributes(given) : [];
        _usage = Attributes.GetValueOrDefault(AttributeNames.TokenUsage);
        _cost = Attributes.GetValueOrDefault(AttributeNames.Cost);
        _metadata = ApiJson.Member(trace.Info, "trace_metadata") ?? default;
        _traceUsage = isFirst ? Parse(Metadata(TraceKeys.TokenUsage)) : default;
        _traceCost = isFirst ? Parse(Metadata(TraceKeys.Cost)) : default;
    }

    public TraceDocument Trace { get; }

    /// <summary>Undefined where the trace has none.</summary>
    public JsonElement Span { get; }

    /// <summary>Whether facts of the trace as a whole stand here: on one row only, so that sums are right.</summary>
    public bool IsFirst { get; }

    public Dictionary<string, JsonElement> Attributes { get; }

    public string? Metadata(string key) => ApiJson.Text(_metadata, key);

    /// <summary>A member of the span as a whole number.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public long? Integer(string name) => ApiJson.Text(Span, name) is not { } text ? null
        : long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number
        : throw new FormatException($"{name} of a span of trace {Trace.TraceId} is '{text}'");

    public string? Text(string attribute) => Attributes.TryGetValue(attribute, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>An attribute as JSON.</summary>
    public string? Json(string attribute) => Attributes.TryGetValue(attribute, out var value) ? value.GetRawText() : null;

    public long? Tokens(string name) => Tokens(_usage, name);

    public double? Cost(string name) => Number(_cost, name);

    public long? TraceTokens(string name) => Tokens(_traceUsage, name);

    public double? TraceCost() => Number(_traceCost, "total_cost");

    public static DateTime? Time(long? unixNano) => unixNano is { } ns ? DateTime.UnixEpoch.AddTicks(ns / 100) : null;

    /// <summary>Begin of the trace.</summary>
    public DateTime? TraceTime() =>
        DateTimeOffset.TryParse(ApiJson.Text(Trace.Info, "request_time"), System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var time) ? time.UtcDateTime : null;

    private static long? Tokens(JsonElement usage, string name) => Number(usage, name) is { } count and >= 0 and < long.MaxValue ? (long)count : null;

    private static double? Number(JsonElement owner, string name) => ApiJson.Member(owner, name) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;

    private static JsonElement Parse(string? json)
    {
        try
        {
            return json is null ? default : JsonElement.Parse(json);
        }
        catch (JsonException)
        {
            // Whoever sets metadata may have written anything there; it stands whole in trace_info.
            return default;
        }
    }
}
