using System.Text;
using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>The predicates of one search, which its SQL calls by their number. Nothing that a caller wrote gets into the SQL.</summary>
internal sealed class SearchFunctions : IDisposable
{
    private const string TextFunction = "mlflow_text";
    private const string SpanFunction = "mlflow_span";

    // See PayloadFrame. Looked for only where there is one.
    private const string OwnerOfPayload = "(SELECT f.payload FROM span_payloads f WHERE p.codec = 3 AND f.trace_id = p.trace_id AND f.span_id = lower(hex(substr(p.payload, 1, 8))))";
    private const string PlaceFunction = "mlflow_place";

    private readonly List<Predicate<string>> _texts = [];
    private readonly List<TextNeed> _needs = [];
    private readonly List<Predicate<SpanContent>> _spans = [];
    private long _spanRow = -1;
    private readonly SpanBlobs _blobs;
    private SpanContent? _span;
    private SqliteTextPlaces? _places;

    /// <param name="blobs">Reads what of spans lies in the blob store; null where spans are not searched.</param>
    public SearchFunctions(SpanBlobs? blobs = null) => _blobs = blobs ?? SpanBlobs.None;

    /// <summary>The condition that the text of an expression matches; an absent one does not.</summary>
    public string Text(Predicate<string> predicate, string expression)
    {
        _texts.Add(predicate);

        // As bytes, because a function gets a text only up to its first U+0000.
        return $"{TextFunction}({_texts.Count - 1}, CAST({expression} AS BLOB))";
    }

    /// <summary>The condition that span <c>s</c> with its payload <c>p</c> matches.</summary>
    public string Span(Predicate<SpanContent> predicate)
    {
        _spans.Add(predicate);
        return $"{SpanFunction}({_spans.Count - 1}, p.rowid, CAST(s.name AS BLOB), CAST(s.type AS BLOB), s.status, CAST(s.status_message AS BLOB), p.codec, p.payload, {OwnerOfPayload})";
    }

    /// <summary>The condition that the trace at a place of the text index may have what is needed.</summary>
    public string Place(TextNeed need, string place)
    {
        _needs.Add(need);
        return $"{PlaceFunction}({_needs.Count - 1}, {place})";
    }

    /// <summary>The text index as this search asks it.</summary>
    public SqliteTextPlaces Places(SqliteConnection connection, SearchClock clock) => _places ??= new SqliteTextPlaces(connection, clock);

    public void Dispose() => _places?.Dispose();

    /// <summary>Gives the functions to a connection, which forgets them when it is closed.</summary>
    public void Register(SqliteConnection connection, SearchClock clock)
    {
        if (_texts.Count > 0)
        {
            connection.CreateFunction(TextFunction, (long predicate, byte[]? text) =>
            {
                clock.ThrowIfOver();
                return text is not null && _texts[(int)predicate](Encoding.UTF8.GetString(text));
            });
        }

        if (_needs.Count > 0)
        {
            var places = Places(connection, clock);
            connection.CreateFunction(PlaceFunction, (long need, long place) => places.May(_needs[(int)need], place));
        }

        if (_spans.Count > 0)
        {
            connection.CreateFunction(SpanFunction, (long predicate, long row, byte[] name, byte[] type, string status, byte[]? message, long codec, byte[] payload, byte[]? owner) =>
            {
                clock.ThrowIfOver();
                if (_spanRow != row || _span is null)
                {
                    _span = Decode(name, type, status, message, codec, payload, owner);
                    _spanRow = row;
                }

                return _spans[(int)predicate](_span);
            });
        }
    }

    private SpanContent Decode(byte[] name, byte[] type, string status, byte[]? message, long codec, byte[] payload, byte[]? owner) => new(SpanPayload.Decode(
        new SpanRecord
        {
            TraceId = "",
            OtelTraceId = "",
            SpanId = "",
            StartNs = 0,
            Name = Encoding.UTF8.GetString(name),
            Type = Encoding.UTF8.GetString(type),
            Status = ColumnText.Status(status),
            StatusMessage = message is null ? null : Encoding.UTF8.GetString(message),
        },
        (int)codec,
        payload,
        owner,
        _blobs.Read,
        withMedia: false));
}
