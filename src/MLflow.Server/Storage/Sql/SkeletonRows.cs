using System.Text;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>Reads the columns of <c>spans s</c> of one trace without payloads. What many of them share is in memory once.</summary>
internal sealed class SkeletonRows
{
    /// <summary>The columns in the order in which <see cref="Read"/> takes them.</summary>
    public const string Columns = """
        s.span_id, s.otel_trace_id, s.parent_span_id, s.name, s.type, s.status, s.status_message, s.start_ns, s.end_ns, s.model, s.input_tokens, s.output_tokens, s.total_tokens,
        s.cached_input_tokens, s.input_cost, s.output_cost, s.first_token_ms, s.stream_end, s.error_type, s.error_message
        """;

    private const int IdPrefixLength = 3;

    // Bytes up to which a text is looked for before it is made.
    private const int MostLookedFor = 128;

    private readonly string _traceId;
    private readonly string _otelTraceId;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _knownBySpan;

    public SkeletonRows(string traceId)
    {
        _traceId = traceId;
        _otelTraceId = traceId.Length > IdPrefixLength ? traceId[IdPrefixLength..] : traceId;
        _knownBySpan = _known.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <param name="text">Reads a column of text through <see cref="Once(string)"/>, or null.</param>
    /// <param name="integer">Reads a column of integers, or null.</param>
    public SpanRecord Read(Func<int, string?> text, Func<int, long?> integer) => new()
    {
        TraceId = _traceId,
        SpanId = text(0)!,
        OtelTraceId = text(1) ?? _otelTraceId,
        ParentSpanId = text(2),
        Name = text(3)!,
        Type = text(4)!,
        Status = ColumnText.Status(text(5)!),
        StatusMessage = text(6),
        StartNs = integer(7)!.Value,
        EndNs = integer(8),
        Attributes = (IReadOnlyList<KeyValuePair<string, string>>?)Contents(text, integer) ?? [],
        Events = text(18) is not { } errorType ? [] : [new SpanEventRecord(AttributeNames.ExceptionEvent, integer(8) ?? integer(7)!.Value,
            [new(AttributeNames.ExceptionType, StoredJson.Quote(errorType)), new(AttributeNames.ExceptionMessage, StoredJson.Quote(text(19) ?? ""))])],
        IsSkeleton = true,
    };

    /// <summary>The same text for equal ones.</summary>
    public string? Once(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (!_known.TryGetValue(text, out var known))
        {
            _known.Add(known = text);
        }

        return known;
    }

    /// <summary>The same from UTF-8; what is known already is not made again.</summary>
    public string Once(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MostLookedFor)
        {
            return Once(Encoding.UTF8.GetString(utf8))!;
        }

        Span<char> buffer = stackalloc char[MostLookedFor];
        ReadOnlySpan<char> text = buffer[..Encoding.UTF8.GetChars(utf8, buffer)];
        if (!_knownBySpan.TryGetValue(text, out var known))
        {
            _known.Add(known = text.ToString());
        }

        return known;
    }

    // Steps that are no calls have nothing of it.
    private static SkeletonColumns? Contents(Func<int, string?> text, Func<int, long?> integer)
    {
        var (model, tokens, input, firstToken, streamEnd) = (text(9), new TokenCounts(integer(10), integer(11), integer(12), integer(13)), integer(14), integer(16), text(17));
        return model is null && !tokens.Any && input is null && firstToken is null && streamEnd is null
            ? null
            : new SkeletonColumns { Model = model, Tokens = tokens, Cost = input is { } cost ? new CallCost(cost, integer(15) ?? 0) : null, FirstTokenMs = firstToken, StreamEnd = streamEnd };
    }
}
