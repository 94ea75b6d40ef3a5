using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>
/// The table of an export: a row for each span, those of a trace one after the other. Columns that <see cref="Needed"/> does not name are for those who ask
/// questions; what an import needs stands whole in the others.
/// </summary>
internal static class SpanTable
{
    public const string TraceId = "trace_id";
    public const string TraceInfo = "trace_info";
    public const string OtelTraceId = "otel_trace_id";
    public const string SpanId = "span_id";
    public const string ParentSpanId = "parent_span_id";
    public const string Name = "name";
    public const string Start = "start_time_unix_nano";
    public const string End = "end_time_unix_nano";
    public const string Status = "status";
    public const string StatusMessage = "status_message";
    public const string Inputs = "inputs";
    public const string Outputs = "outputs";
    public const string Attributes = "attributes";
    public const string Events = "events";
    public const string Other = "other";

    /// <summary>Columns of text that an import reads.</summary>
    public static readonly string[] Needed = [TraceId, TraceInfo, OtelTraceId, SpanId, ParentSpanId, Name, Status, StatusMessage, Inputs, Outputs, Attributes, Events, Other];

    /// <summary>Columns of whole numbers that an import reads.</summary>
    public static readonly string[] NeededNumbers = [Start, End];

    public static readonly IReadOnlyList<ParquetColumn> Columns =
    [
        // Of the trace, on each of its rows.
        Text(TraceId, row => row.Trace.TraceId),
        Text("experiment_id", row => ApiJson.Member(row.Trace.Info, "trace_location") is { } location && ApiJson.Member(location, "mlflow_experiment") is { } experiment ? ApiJson.Text(experiment, "experiment_id") : null),
        Text("trace_name", row => row.Trace.Name),
        Text("trace_state", row => ApiJson.Text(row.Trace.Info, "state")),
        Time("trace_start_time", row => row.TraceTime()),
        Text("session", row => row.Metadata(TraceKeys.Session)),
        Text("user", row => row.Metadata(TraceKeys.User)),

        // Of the trace, on its first row only.
        Number("trace_duration_ms", row => row.IsFirst ? TraceDocument.DurationMs(row.Trace.Info) : null),
        Number("trace_input_tokens", row => row.TraceTokens("input_tokens")),
        Number("trace_output_tokens", row => row.TraceTokens("output_tokens")),
        Number("trace_total_tokens", row => row.TraceTokens("total_tokens")),
        Fraction("trace_cost_usd", row => row.TraceCost()),
        Text(TraceInfo, row => row.IsFirst ? Json(json => TraceDocument.WriteInfo(json, row.Trace.Info)) : null),

        // Of the span.
        Text(OtelTraceId, row => StoredSpan.HexTraceId(ApiJson.Text(row.Span, "trace_id"))),
        Text(SpanId, row => row.Span.ValueKind == JsonValueKind.Undefined ? null : StoredSpan.HexSpanId(ApiJson.Text(row.Span, "span_id")) ?? throw new FormatException($"a span of trace {row.Trace.TraceId} has no span_id")),
        Text(ParentSpanId, row => StoredSpan.HexSpanId(ApiJson.Text(row.Span, "parent_span_id"))),
        Text(Name, row => ApiJson.Text(row.Span, "name")),
        Text("type", row => row.Text(AttributeNames.SpanType)),
        Text(Status, row => ApiJson.Member(row.Span, "status") is { } status ? ApiJson.Text(status, "code") switch { "STATUS_CODE_OK" or "OK" => "OK", "STATUS_CODE_ERROR" or "ERROR" => "ERROR", _ => "UNSET" } : null),
        Text(StatusMessage, row => ApiJson.Member(row.Span, "status") is { } status && ApiJson.Text(status, "message") is { Length: > 0 } message ? message : null),
        Time("start_time", row => SpanTableRow.Time(row.Integer(Start))),
        Number(Start, row => row.Integer(Start)),
        Number(End, row => row.Integer(End)),
        Fraction("duration_ms", row => row.Integer(End) is { } end && row.Integer(Start) is { } start ? (end - start) / 1e6 : null),
        Text("model", row => row.Text(AttributeNames.Model)),
        Text("provider", row => row.Text(AttributeNames.Provider)),
        Number("input_tokens", row => row.Tokens("input_tokens")),
        Number("output_tokens", row => row.Tokens("output_tokens")),
        Number("total_tokens", row => row.Tokens("total_tokens")),
        Number("cached_input_tokens", row => row.Tokens("cache_read_input_tokens")),
        Fraction("input_cost_usd", row => row.Cost("input_cost")),
        Fraction("output_cost_usd", row => row.Cost("output_cost")),
        Fraction("cost_usd", row => row.Cost("total_cost")),
        Text(Inputs, row => row.Json(AttributeNames.Inputs)),
        Text(Outputs, row => row.Json(AttributeNames.Outputs)),
        Text(Attributes, row => row.Span.ValueKind == JsonValueKind.Undefined ? null : Json(json => WriteAttributes(json, row))),
        Text(Events, row => ApiJson.Items(row.Span, "events").Any() ? Json(json => StoredSpan.WriteEvents(json, row.Span)) : null),
        Text(Other, row => OthersOf(row.Span).Any() ? Json(json => WriteOthers(json, row.Span)) : null),
    ];

    public static readonly ParquetSchema Schema = new(Columns.Select(column => column.Field).ToArray<Field>());

    /// <summary>The library's own choices are the slowest compression, with hundreds of megabytes for its window, and pools of 80 MiB.</summary>
    public static readonly ParquetOptions Options = new()
    {
        CompressionMethod = CompressionMethod.Zstd,
        CompressionLevel = CompressionLevel.Optimal,
        DictionaryEncodingSampleSize = 200,
        MaximumSmallPoolFreeBytes = 1 << 20,
        MaximumLargePoolFreeBytes = 4 << 20,
    };

    /// <summary>The library holds texts as memory.</summary>
    public static bool IsText(DataField field) => field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>);

    private static void WriteAttributes(Utf8JsonWriter json, SpanTableRow row)
    {
        json.WriteStartObject();
        foreach (var (key, value) in row.Attributes.Where(attribute => attribute.Key is not (AttributeNames.Inputs or AttributeNames.Outputs)))
        {
            json.WritePropertyName(key);
            value.WriteTo(json);
        }

        json.WriteEndObject();
    }

    /// <summary>What has no column: links, and whatever a newer server says.</summary>
    private static IEnumerable<JsonProperty> OthersOf(JsonElement span) => span.ValueKind != JsonValueKind.Object ? []
        : span.EnumerateObject().Where(member => member.Name is not ("trace_id" or "span_id" or "parent_span_id" or "name" or Start or End or "status" or "attributes" or "events"));

    private static void WriteOthers(Utf8JsonWriter json, JsonElement span)
    {
        json.WriteStartObject();
        foreach (var member in OthersOf(span))
        {
            member.WriteTo(json);
        }

        json.WriteEndObject();
    }

    private static string Json(Action<Utf8JsonWriter> write)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, TraceDocument.WriterOptions))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(text.GetBuffer().AsSpan(0, (int)text.Length));
    }

    private static ParquetColumn Text(string name, Func<SpanTableRow, string?> value) => new(new DataField<string>(name, true), value);

    private static ParquetColumn Number(string name, Func<SpanTableRow, long?> value) => new(new DataField<long>(name, true), row => value(row));

    private static ParquetColumn Fraction(string name, Func<SpanTableRow, double?> value) => new(new DataField<double>(name, true), row => value(row));

    /// <summary>In UTC; whole microseconds, which every reader has.</summary>
    private static ParquetColumn Time(string name, Func<SpanTableRow, DateTime?> value) =>
        new(new DateTimeDataField(name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Micros, isNullable: true), row => value(row));
}
