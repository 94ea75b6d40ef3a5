using System.Globalization;
using System.Text.Json;

namespace MLflow.Cli.Traces;

/// <summary>
/// A trace as JSON: its facts and its spans as some server wrote them. It is written as Python's <c>Trace.to_json()</c> writes it, which <c>Trace.from_json()</c> reads:
/// <c>{"info":{…},"data":{"spans":[{…,"attributes":{"mlflow.spanType":"\"CHAIN\""}}]}}</c>.
/// </summary>
internal sealed class TraceDocument
{
    public static readonly JsonDocumentOptions ReaderOptions = new() { MaxDepth = AnyValueReader.MaxDepth };

    /// <summary>One line.</summary>
    public static readonly JsonWriterOptions WriterOptions = Output.StandardOutput.Indented with { Indented = false };

    private readonly Lazy<string?> _name;

    /// <param name="info">MLflow's TraceInfo.</param>
    /// <param name="spans">In the shape of the API or of <c>traces.json</c>.</param>
    /// <exception cref="FormatException">The facts have no id.</exception>
    public TraceDocument(JsonElement info, IReadOnlyList<JsonElement> spans)
    {
        Info = info;
        Spans = spans;
        TraceId = TraceReader.IdOf(info) ?? throw new FormatException("a trace has no trace_id");
        _name = new(() => TraceOutput.NameOf(info) ?? RootName);
    }

    public string TraceId { get; }

    public JsonElement Info { get; }

    public IReadOnlyList<JsonElement> Spans { get; }

    /// <summary>The name with which it was sent, or that of its root.</summary>
    public string? Name => _name.Value;

    /// <summary>The name of the earliest span without a parent, as lists of traces show it; null where there is none.</summary>
    public string? RootName => Spans.Where(span => string.IsNullOrEmpty(ApiJson.Text(span, "parent_span_id")))
        .MinBy(span => ApiJson.Member(span, "start_time_unix_nano") is { } start && long.TryParse(start.ToString(), CultureInfo.InvariantCulture, out var ns) ? ns : long.MaxValue) is { ValueKind: JsonValueKind.Object } root
        ? ApiJson.Text(root, "name")
        : null;

    /// <summary>The traces of an answer of the API (<c>trace</c>, <c>traces</c>), or the one that <c>Trace.to_json()</c> gave.</summary>
    /// <exception cref="FormatException">There is none.</exception>
    public static IReadOnlyList<TraceDocument> ReadAll(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("it is not an object");
        }

        // A batch of which nothing is there is an empty object.
        if (ApiJson.Member(root, "traces") is not null || !root.EnumerateObject().Any())
        {
            return [.. ApiJson.Items(root, "traces").Select(ReadOne)];
        }

        return [ReadOne(ApiJson.Member(root, "trace") ?? root)];
    }

    private static TraceDocument ReadOne(JsonElement trace)
    {
        var info = ApiJson.Member(trace, "trace_info") ?? ApiJson.Member(trace, "info") ?? throw new FormatException("it has neither 'trace_info' nor 'info'");
        return ApiJson.Member(info, "trace_id") is null && ApiJson.Member(info, "request_id") is not null
            ? throw new FormatException("it has the form of MLflow before 3.0, which is not read")
            : new TraceDocument(info, [.. ApiJson.Items(ApiJson.Member(trace, "data") ?? trace, "spans")]);
    }

    /// <param name="json">Takes it.</param>
    /// <param name="experimentId">Id of an experiment, or a place in Unity Catalog.</param>
    public static void WriteLocation(Utf8JsonWriter json, string experimentId)
    {
        if (CatalogLocation.TryParse(experimentId, out var place))
        {
            CatalogTraceInfo.WriteLocation(json, place);
            return;
        }

        json.WriteStartObject();
        json.WriteString("type", "MLFLOW_EXPERIMENT");
        json.WriteStartObject("mlflow_experiment");
        json.WriteString("experiment_id", experimentId);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WritePropertyName("info");
        WriteInfo(json, Info);
        json.WriteStartObject("data");
        json.WriteStartArray("spans");
        foreach (var span in Spans)
        {
            StoredSpan.Write(json, span);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Python's form differs from the API's in the duration and, in Unity Catalog, in the id.</summary>
    public static void WriteInfo(Utf8JsonWriter json, JsonElement info)
    {
        json.WriteStartObject();
        foreach (var member in info.EnumerateObject())
        {
            if (member.Name == "execution_duration" && DurationMs(info) is { } ms)
            {
                json.WriteNumber("execution_duration_ms", ms);
            }
            else if (member.Name == "trace_id")
            {
                json.WriteString(member.Name, TraceReader.IdOf(info));
            }
            else
            {
                member.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }

    /// <returns>Null where the trace runs, or nobody said.</returns>
    public static long? DurationMs(JsonElement info)
    {
        if (ApiJson.Member(info, "execution_duration_ms") is { ValueKind: JsonValueKind.Number } number)
        {
            return number.GetInt64();
        }

        return ApiJson.Text(info, "execution_duration") is [.. var seconds, 's'] && decimal.TryParse(seconds, CultureInfo.InvariantCulture, out var value)
            ? (long)(value * 1000)
            : null;
    }
}
