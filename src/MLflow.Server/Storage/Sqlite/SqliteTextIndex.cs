using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Builds the text index of an SQLite file. Texts are read and segments made beside the writer, which only puts them in.</summary>
internal sealed class SqliteTextIndex : ITextIndex, IDisposable
{
    /// <summary>Segments that are looked at in one sweep.</summary>
    private const int SweptSegments = 8;

    private const string CountWaitingSql = "SELECT COUNT(*) FROM traces WHERE text_place < 0";

    private const string CountSettledSql = "SELECT COUNT(*) FROM (SELECT 1 FROM traces INDEXED BY traces_by_text_place WHERE text_place < 0 AND COALESCE(last_seen_ms, 0) <= @seen LIMIT @limit)";

    private const string SelectLastSql = "SELECT segment_id AS SegmentId, traces AS Traces, live AS Live, is_full AS IsFull, min_time_ms AS MinTimeMs, max_time_ms AS MaxTimeMs FROM text_segments ORDER BY segment_id DESC LIMIT 1";

    private const string SelectWaitingSql = """
        SELECT trace_id, text_place, request_time_ms, request_preview, response_preview FROM traces INDEXED BY traces_by_text_place
        WHERE text_place < 0 AND COALESCE(last_seen_ms, 0) <= $seen ORDER BY text_place DESC LIMIT $limit
        """;

    private const string SelectSpansSql = """
        SELECT s.name, s.type, s.status_message, p.codec, p.payload, s.span_id FROM spans s JOIN span_payloads p ON p.trace_id = s.trace_id AND p.span_id = s.span_id WHERE s.trace_id = $traceId
        """;

    private const string SelectPageSql = "SELECT grams FROM text_pages WHERE page = $page AND segment_id = $segment";

    private const string UpsertPageSql = "INSERT INTO text_pages (page, segment_id, grams) VALUES (?1, ?2, ?3) ON CONFLICT (page, segment_id) DO UPDATE SET grams = excluded.grams";

    private const string DeletePageSql = "DELETE FROM text_pages WHERE page = ?1 AND segment_id = ?2";

    private const string UpsertSegmentSql = """
        INSERT INTO text_segments (segment_id, traces, live, is_full, min_time_ms, max_time_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (segment_id) DO UPDATE SET traces = excluded.traces, live = excluded.live, is_full = excluded.is_full, min_time_ms = excluded.min_time_ms, max_time_ms = excluded.max_time_ms
        """;

    private const string DeleteSegmentSql = "DELETE FROM text_segments WHERE segment_id = ?1";

    private const string KeptSql = "UPDATE text_segments SET live = ?2 WHERE segment_id = ?1";

    private const string PlaceSql = "UPDATE traces SET text_place = ?3 WHERE trace_id = ?1 AND text_place = ?2";

    private const string WaitAgainSql = "UPDATE traces SET text_place = -1 WHERE text_place >= ?1 AND text_place < ?2";

    private const string SelectSegmentsSql =
        "SELECT segment_id AS SegmentId, traces AS Traces, live AS Live, is_full AS IsFull, min_time_ms AS MinTimeMs, max_time_ms AS MaxTimeMs FROM text_segments WHERE segment_id > @after ORDER BY segment_id LIMIT @limit";

    private const string SelectPlacesSql = "SELECT text_place FROM traces WHERE text_place >= @from AND text_place < @to";

    private readonly SqliteDatabase _database;
    private readonly SemaphoreSlim _one = new(1);
    private readonly TextGramSet _grams = new();
    private long _lastMs;
    private long _swept;

    public SqliteTextIndex(SqliteDatabase database)
    {
        _database = database;
        _lastMs = database.NowMs;
    }

    public async Task<int> IndexAsync(bool now, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using var build = Read(now, cancellationToken);
            if (build is null)
            {
                return 0;
            }

            var (state, pages, added) = (build.State, build.Encode(), build.Added.ToList());
            await _database.Writer.WriteAsync(
                session =>
                {
                    WritePages(session, state.SegmentId, pages);

                    // One that has changed meanwhile waits on; its place stays empty.
                    var placed = added.Sum(item => session[PlaceSql].Bind(1, item.Trace.TraceId).Bind(2, item.Trace.TextPlace).Bind(3, item.Place).Execute());
                    return session[UpsertSegmentSql]
                        .Bind(1, state.SegmentId)
                        .Bind(2, state.Traces)
                        .Bind(3, state.Live + placed)
                        .Bind(4, state.IsFull ? 1 : 0)
                        .Bind(5, state.MinTimeMs)
                        .Bind(6, state.MaxTimeMs)
                        .Execute();
                },
                cancellationToken).ConfigureAwait(false);
            _lastMs = _database.NowMs;
            return added.Count;
        }
        finally
        {
            _one.Release();
        }
    }

    public async Task<bool> SweepAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            List<TextSegmentState> segments;
            using (var connection = _database.OpenRead())
            {
                segments = connection.Query<TextSegmentState>(SelectSegmentsSql, new { after = _swept, limit = SweptSegments }).AsList();
            }

            foreach (var segment in segments)
            {
                await SweepAsync(segment, cancellationToken).ConfigureAwait(false);
                _swept = segment.SegmentId;
            }

            if (segments.Count == SweptSegments)
            {
                return true;
            }

            _swept = 0;
            return false;
        }
        finally
        {
            _one.Release();
        }
    }

    public Task<long> CountWaitingAsync(CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult(connection.ExecuteScalar<long>(CountWaitingSql));
    }

    public void Dispose() => _one.Dispose();

    /// <summary>Reads a segment's worth of what waits; null when it is too early, or nothing does.</summary>
    private TextSegmentBuild? Read(bool now, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        using var transaction = connection.BeginTransaction(deferred: true);
        var segment = TextSegmentState.Open(connection.QuerySingleOrDefault<TextSegmentState>(SelectLastSql, null, transaction));
        var room = TextSegment.Traces - segment.Traces;
        var seenBy = now ? long.MaxValue : _database.NowMs - ITextIndex.SettledMs;
        var settled = connection.ExecuteScalar<long>(CountSettledSql, new { seen = seenBy, limit = room }, transaction);
        if (settled == 0 || (!now && settled < room && _database.NowMs - _lastMs < ITextIndex.PatienceMs))
        {
            return null;
        }

        TextSegmentBuild? build = null;
        foreach (var (trace, previews) in ReadWaiting(connection, seenBy, (int)room))
        {
            cancellationToken.ThrowIfCancellationRequested();
            build ??= new TextSegmentBuild(segment, segment.Traces == 0 ? [] : ReadPages(connection, segment.SegmentId));
            Array.ForEach(previews, preview => TextContent.AddPreview(preview, _grams));
            AddSpans(connection, trace.TraceId);
            build.Add(trace, _grams.Take());
            if (build.IsFull)
            {
                break;
            }
        }

        return build;
    }

    private static List<(WaitingTrace Trace, string?[] Previews)> ReadWaiting(SqliteConnection connection, long seenBy, int limit)
    {
        using var command = connection.CreateCommand();
        command.CommandText = SelectWaitingSql;
        command.Parameters.AddWithValue("$seen", seenBy);
        command.Parameters.AddWithValue("$limit", limit);
        using var reader = command.ExecuteReader();
        var waiting = new List<(WaitingTrace, string?[])>();
        while (reader.Read())
        {
            waiting.Add((new WaitingTrace(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2)), [Text(reader, 3), Text(reader, 4)]));
        }

        return waiting;
    }

    private void AddSpans(SqliteConnection connection, string traceId)
    {
        using var command = connection.CreateCommand();
        command.CommandText = SelectSpansSql;
        command.Parameters.AddWithValue("$traceId", traceId);
        using var reader = command.ExecuteReader();
        var spans = new List<StoredSpan>();
        while (reader.Read())
        {
            spans.Add(new StoredSpan(
                new SpanRecord { TraceId = traceId, OtelTraceId = "", SpanId = reader.GetString(5), StartNs = 0, Name = reader.GetString(0), Type = reader.GetString(1), StatusMessage = Text(reader, 2) },
                reader.GetInt32(3),
                reader.GetFieldValue<byte[]>(4)));
        }

        TextContent.Add(spans, _grams, _database.SpanBlobs.ReadSurely);
    }

    private static IEnumerable<(int Page, byte[] Grams)> ReadPages(SqliteConnection connection, long segmentId)
    {
        for (var page = 0; page < TextSegment.Pages; page++)
        {
            if (connection.QuerySingleOrDefault<byte[]>(SelectPageSql, new { page, segment = segmentId }) is { } grams)
            {
                yield return (page, grams);
            }
        }
    }

    private async Task SweepAsync(TextSegmentState segment, CancellationToken cancellationToken)
    {
        HashSet<int> places;
        byte[]?[] pages;
        bool isDropped;
        using (var connection = _database.OpenRead())
        {
            using var transaction = connection.BeginTransaction(deferred: true);
            places = [.. connection.Query<long>(SelectPlacesSql, new { from = segment.PlaceOf(0), to = segment.PlaceOf(TextSegment.Traces) }, transaction)
                .Select(place => (int)(place & (TextSegment.Traces - 1)))];
            if (places.Count >= segment.Live)
            {
                return;
            }

            isDropped = segment.IsSparse(places.Count);
            pages = isDropped ? new byte[TextSegment.Pages][] : Keep(segment, ReadPages(connection, segment.SegmentId), places);
        }

        await _database.Writer.WriteAsync(
            session =>
            {
                WritePages(session, segment.SegmentId, pages);
                if (isDropped)
                {
                    session[WaitAgainSql].Bind(1, segment.PlaceOf(0)).Bind(2, segment.PlaceOf(TextSegment.Traces)).Execute();
                    return session[DeleteSegmentSql].Bind(1, segment.SegmentId).Execute();
                }

                return session[KeptSql].Bind(1, segment.SegmentId).Bind(2, places.Count).Execute();
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static byte[][] Keep(TextSegmentState segment, IEnumerable<(int Page, byte[] Grams)> pages, HashSet<int> places)
    {
        using var build = new TextSegmentBuild(segment, pages);
        build.Keep(places);
        return build.Encode();
    }

    private static void WritePages(SqliteWriteSession session, long segmentId, byte[]?[] pages)
    {
        for (var page = 0; page < pages.Length; page++)
        {
            if (pages[page] is { Length: > 0 } grams)
            {
                session[UpsertPageSql].Bind(1, page).Bind(2, segmentId).Bind(3, grams).Execute();
            }
            else
            {
                session[DeletePageSql].Bind(1, page).Bind(2, segmentId).Execute();
            }
        }
    }

    private static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
