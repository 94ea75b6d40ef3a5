using System.Globalization;
using System.Text.Json;
using static MLflow.ApiJson;

namespace MLflow;

/// <summary>Reads traces in the forms in which MLflow writes them: its API's answers, <c>traces.json</c>, and Python's <c>Trace.to_json()</c>.</summary>
internal static class TraceReader
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = AnyValueReader.MaxDepth };

    /// <exception cref="FormatException">The text is no trace.</exception>
    public static IReadOnlyList<TraceRecord> Read(ReadOnlyMemory<byte> json) =>
        Guard<IReadOnlyList<TraceRecord>>(() => [.. Traces(JsonElement.Parse(json.Span, Options)).Select(ReadTrace)]);

    /// <summary>The first trace of a text that is to hold one.</summary>
    /// <exception cref="FormatException">The text is no trace, or holds none.</exception>
    public static TraceRecord ReadOne(ReadOnlyMemory<byte> json) => Guard(() => ReadTrace(First(json)));

    /// <summary>The answer of a request for several traces, which lacks the list where there are none.</summary>
    /// <exception cref="FormatException">The text is no such answer.</exception>
    public static IReadOnlyList<TraceRecord> ReadMany(ReadOnlyMemory<byte> json) =>
        Guard<IReadOnlyList<TraceRecord>>(() => [.. List(JsonElement.Parse(json.Span, Options)).Select(ReadTrace)]);

    /// <summary>A page of a search: traces without their spans, and what asks for the next page.</summary>
    /// <exception cref="FormatException">The text is no such page.</exception>
    public static (IReadOnlyList<TraceRecord> Traces, string? NextPageToken) ReadPage(ReadOnlyMemory<byte> json, string member = "traces") => Guard(() =>
    {
        var page = JsonElement.Parse(json.Span, Options);
        IReadOnlyList<TraceRecord> traces = [.. List(page, member).Select(info => ReadTrace(info, default))];
        return (traces, Text(page, "next_page_token") is { Length: > 0 } token ? token : null);
    });

    /// <summary>A trace whose facts and spans come from two places.</summary>
    /// <exception cref="FormatException">One of the texts is not what it should be.</exception>
    public static TraceRecord Read(ReadOnlyMemory<byte> info, ReadOnlyMemory<byte> spans) => Guard(() =>
    {
        var trace = First(info);
        return ReadTrace(Member(trace, "trace_info") ?? trace, Member(JsonElement.Parse(spans.Span, Options), "spans") ?? default);
    });

    /// <summary>The spans of a document <c>traces.json</c>.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static IReadOnlyList<TraceSpan> ReadSpans(ReadOnlyMemory<byte> json) => Guard<IReadOnlyList<TraceSpan>>(() =>
        Member(JsonElement.Parse(json.Span, Options), "spans") is { ValueKind: JsonValueKind.Array } spans
            ? [.. spans.EnumerateArray().Select(ReadSpan)]
            : throw new FormatException("it has no 'spans'"));

    private static T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException or OverflowException)
        {
            throw new FormatException(
                $"This is no trace as MLflow writes it (the answer of traces/get or traces/batchGet, traces.json, or Trace.to_json()): {e.Message}", e);
        }
    }

    private static IEnumerable<JsonElement> List(JsonElement answer, string member = "traces") =>
        answer.ValueKind == JsonValueKind.Object ? Items(answer, member) : throw new FormatException("it is not an object");

    private static JsonElement First(ReadOnlyMemory<byte> json) =>
        Traces(JsonElement.Parse(json.Span, Options)) is [var first, ..] ? first : throw new FormatException("it has no trace");

    private static List<JsonElement> Traces(JsonElement root) =>
        Member(root, "traces") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [Member(root, "trace") ?? root];

    private static TraceRecord ReadTrace(JsonElement trace)
    {
        var data = Member(trace, "data") ?? trace;
        var info = Member(trace, "trace_info") ?? Member(trace, "info");
        var spans = Member(data, "spans");
        return info is null && spans is null
            ? throw new FormatException("it has neither 'trace_info' nor 'info' nor 'spans'")
            : ReadTrace(info ?? default, spans ?? default);
    }

    private static TraceRecord ReadTrace(JsonElement info, JsonElement spans)
    {
        List<TraceSpan> read = spans.ValueKind == JsonValueKind.Array ? [.. spans.EnumerateArray().Select(ReadSpan)] : [];
        var root = read.Find(span => span.ParentId is null) ?? read.FirstOrDefault();
        return new TraceRecord
        {
            TraceId = IdOf(info) ?? Text(info, "request_id") ?? root?.Text(AttributeNames.TraceRequestId) ?? "",
            ClientRequestId = Text(info, "client_request_id"),
            ExperimentId = Member(info, "trace_location") is { } location && Member(location, "mlflow_experiment") is { } experiment
                ? Text(experiment, "experiment_id") is { Length: > 0 } id ? id : null
                : Text(info, "experiment_id"),
            State = Text(info, "state") ?? Text(info, "status") ?? StateOf(root),
            RequestTime = RequestTime(info) ?? root?.StartTime ?? DateTimeOffset.UnixEpoch,
            Duration = Duration(info) ?? (root?.EndNs is { } end ? UnixNano.Between(root.StartNs, end) : null),
            RequestPreview = Text(info, "request_preview"),
            ResponsePreview = Text(info, "response_preview"),
            Metadata = Map(Member(info, "trace_metadata") ?? Member(info, "request_metadata")),
            Tags = Map(Member(info, "tags")),
            Assessments = [.. Items(info, "assessments").Select(AssessmentFormat.Read)],
            Spans = read,
        };
    }

    /// <summary>The id of a trace as clients know it; null where its facts have none.</summary>
    public static string? IdOf(JsonElement info) => CatalogId(info) ?? Text(info, "trace_id");

    /// <summary>In Unity Catalog a trace's id says where it lies; the API tells the two apart.</summary>
    private static string? CatalogId(JsonElement info)
    {
        if (Text(info, "trace_id") is not { } id || Member(info, "trace_location") is not { } location || (Member(location, "uc_schema") ?? Member(location, "uc_table_prefix")) is not { } place)
        {
            return null;
        }

        var parts = new[] { Text(place, "catalog_name"), Text(place, "schema_name"), Text(place, "table_prefix") }.Where(part => !string.IsNullOrEmpty(part));
        return id.StartsWith(CatalogLocation.IdScheme, StringComparison.Ordinal) ? id : $"{CatalogLocation.IdScheme}{string.Join('.', parts)}/{id}";
    }

    private static string StateOf(TraceSpan? root) => root?.StatusCode switch
    {
        SpanStatusCode.Ok => "OK",
        SpanStatusCode.Error => "ERROR",
        _ => "STATE_UNSPECIFIED",
    };

    private static TraceSpan ReadSpan(JsonElement span)
    {
        var attributes = ReadSpanAttributes(Member(span, "attributes"));
        var status = Member(span, "status") ?? default;
        return new TraceSpan
        {
            SpanId = Id(Text(span, "span_id")) ?? throw new FormatException("a span has no span_id"),
            ParentId = Id(Text(span, "parent_span_id")),
            Name = Text(span, "name") ?? "",
            SpanType = attributes.TryGetValue(AttributeNames.SpanType, out var type) && type.ValueKind == JsonValueKind.String ? type.GetString()! : SpanType.Unknown,
            StatusCode = Text(status, "code") switch
            {
                "STATUS_CODE_OK" or "OK" or "1" => SpanStatusCode.Ok,
                "STATUS_CODE_ERROR" or "ERROR" or "2" => SpanStatusCode.Error,
                _ => SpanStatusCode.Unset,
            },
            StatusMessage = Text(status, "message") is { Length: > 0 } message ? message : null,
            StartNs = Number(span, "start_time_unix_nano") ?? 0,
            EndNs = Number(span, "end_time_unix_nano"),
            Attributes = attributes,
            Events = Member(span, "events") is { ValueKind: JsonValueKind.Array } events ? [.. events.EnumerateArray().Select(ReadEvent)] : [],
        };
    }

    private static TraceSpanEvent ReadEvent(JsonElement item)
    {
        var attributes = Member(item, "attributes") switch
        {
            { ValueKind: JsonValueKind.Array } list => AnyValueReader.ReadAttributes(list),
            { ValueKind: JsonValueKind.Object } map => ReadMap(map, value => value),
            _ => [],
        };
        return new TraceSpanEvent(Text(item, "name") ?? "", Number(item, "time_unix_nano") ?? Number(item, "timestamp") ?? 0, attributes);
    }

    /// <summary>The API has a list of pairs; <c>traces.json</c> an object whose values are strings that hold JSON, or plain values where TypeScript wrote it.</summary>
    private static Dictionary<string, JsonElement> ReadSpanAttributes(JsonElement? attributes)
    {
        switch (attributes)
        {
            case { ValueKind: JsonValueKind.Array } list:
                return AnyValueReader.ReadAttributes(list);
            case { ValueKind: JsonValueKind.Object } map:
                // A plain "123" and the JSON of 123 look the same; the trace's id, which every span has, tells how this client writes.
                var isPlain = Text(map, AttributeNames.TraceRequestId) is { } id && !id.StartsWith('"');
                return ReadMap(map, value => isPlain || value.ValueKind != JsonValueKind.String ? value : Decode(value));
            default:
                return [];
        }
    }

    private static Dictionary<string, JsonElement> ReadMap(JsonElement map, Func<JsonElement, JsonElement> decode)
    {
        var result = new Dictionary<string, JsonElement>();
        foreach (var property in map.EnumerateObject())
        {
            result[property.Name] = decode(property.Value);
        }

        return result;
    }

    private static JsonElement Decode(JsonElement text)
    {
        try
        {
            return JsonElement.Parse(text.GetString()!, Options);
        }
        catch (JsonException)
        {
            // NaN, for example, which Python writes and JSON does not know.
            return text;
        }
    }

    private static string? Id(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        return text.Length == 16 && text.All(char.IsAsciiHexDigit) ? text.ToLowerInvariant() : Convert.ToHexStringLower(Convert.FromBase64String(text));
    }

    private static DateTimeOffset? RequestTime(JsonElement info)
    {
        if ((Number(info, "request_time_ms") ?? Number(info, "timestamp_ms")) is { } ms)
        {
            return DateTimeOffset.FromUnixTimeMilliseconds(ms);
        }

        return DateTimeOffset.TryParse(Text(info, "request_time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
    }

    private static TimeSpan? Duration(JsonElement info)
    {
        if ((Number(info, "execution_duration_ms") ?? Number(info, "execution_time_ms")) is { } ms)
        {
            return TimeSpan.FromMilliseconds(ms);
        }

        return Text(info, "execution_duration") is [.. var seconds, 's'] && double.TryParse(seconds, CultureInfo.InvariantCulture, out var value)
            ? TimeSpan.FromSeconds(value)
            : null;
    }

    /// <summary>An object; before MLflow 3 a list of pairs.</summary>
    private static Dictionary<string, string> Map(JsonElement? map) => map switch
    {
        { ValueKind: JsonValueKind.Object } pairs => pairs.EnumerateObject().DistinctBy(p => p.Name).ToDictionary(p => p.Name, p => Text(p.Value) ?? ""),
        { ValueKind: JsonValueKind.Array } pairs => pairs.EnumerateArray().DistinctBy(p => Text(p, "key")).ToDictionary(p => Text(p, "key") ?? "", p => Text(p, "value") ?? ""),
        _ => [],
    };

    private static long? Number(JsonElement element, string name) =>
        long.TryParse(Text(element, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
