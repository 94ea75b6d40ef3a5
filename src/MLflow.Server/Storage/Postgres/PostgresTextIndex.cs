using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.TextIndex;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Builds the text index of a PostgreSQL database. Of several servers one works at a time: each step is a transaction that has a lock.</summary>
internal sealed class PostgresTextIndex : ITextIndex
{
    /// <summary>Segments that are looked at in one sweep.</summary>
    private const int SweptSegments = 8;

    /// <summary>Traces whose spans are read with one statement.</summary>
    private const int ReadChunk = 16;

    private const long IndexLock = 0x4D4C74657874;

    private const string LockSql = "SELECT pg_try_advisory_xact_lock($1)";

    private const string CountWaitingSql = "SELECT COUNT(*) FROM text_places WHERE place < 0";

    private const string CountSettledSql = """
        SELECT COUNT(*) FROM (SELECT 1 FROM text_places p JOIN traces t ON t.trace_id = p.trace_id WHERE p.place < 0 AND COALESCE(t.last_seen_ms, 0) <= $1 LIMIT $2) AS settled
        """;

    private const string SelectLastSql = "SELECT segment_id, traces, live, is_full, min_time_ms, max_time_ms FROM text_segments ORDER BY segment_id DESC LIMIT 1";

    private const string SelectWaitingSql = """
        SELECT t.trace_id, p.place, t.request_time_ms, t.request_preview, t.response_preview, t.bucket FROM text_places p JOIN traces t ON t.trace_id = p.trace_id
        WHERE p.place < 0 AND COALESCE(t.last_seen_ms, 0) <= $1 ORDER BY p.place DESC LIMIT $2
        """;

    private const string SelectSpansSql = $"""
        SELECT {SpanRows.Columns}, {SpanRows.Payload} FROM {SpanRows.WithPayloads}
        WHERE s.trace_id = ANY($1) AND s.bucket = ANY($2) AND {SpanRows.IsHere} ORDER BY s.trace_id
        """;

    private const string SelectPagesSql = "SELECT page, grams FROM text_pages WHERE page = ANY($1) AND segment_id = $2";

    private const string UpsertPagesSql = """
        INSERT INTO text_pages (page, segment_id, grams) SELECT u.page, $3, u.grams FROM unnest($1::smallint[], $2::bytea[]) AS u (page, grams)
        ON CONFLICT (page, segment_id) DO UPDATE SET grams = excluded.grams
        """;

    private const string DeletePagesSql = "DELETE FROM text_pages WHERE page = ANY($1) AND segment_id = $2";

    private const string UpsertSegmentSql = """
        INSERT INTO text_segments (segment_id, traces, live, is_full, min_time_ms, max_time_ms) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (segment_id) DO UPDATE SET traces = excluded.traces, live = excluded.live, is_full = excluded.is_full, min_time_ms = excluded.min_time_ms, max_time_ms = excluded.max_time_ms
        """;

    private const string DeleteSegmentSql = "DELETE FROM text_segments WHERE segment_id = $1";

    private const string KeptSql = "UPDATE text_segments SET live = $2 WHERE segment_id = $1";

    // Those that somebody is writing to wait on anyway, and nobody waits for them here.
    private const string LockPlacesSql = """SELECT trace_id, place FROM text_places WHERE trace_id = ANY($1) ORDER BY trace_id COLLATE "C" FOR UPDATE SKIP LOCKED""";

    private const string PlaceSql = "UPDATE text_places p SET place = u.place FROM unnest($1::text[], $2::bigint[]) AS u (trace_id, place) WHERE p.trace_id = u.trace_id";

    private const string SelectSegmentsSql = "SELECT segment_id, traces, live, is_full, min_time_ms, max_time_ms FROM text_segments WHERE segment_id > $1 ORDER BY segment_id LIMIT $2";

    private const string SelectPlacesSql = "SELECT trace_id, place FROM text_places WHERE place >= $1 AND place < $2";

    // Left by somebody who deleted traces by SQL.
    private const string LockLostSql = """
        SELECT p.trace_id FROM text_places p WHERE p.place >= $1 AND p.place < $2 AND NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id = p.trace_id) FOR UPDATE OF p SKIP LOCKED
        """;

    // Looks once more: a trace of that id may have been written between the look and the lock.
    private const string DeleteLostSql = "DELETE FROM text_places p WHERE p.trace_id = ANY($1) AND NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id = p.trace_id)";

    private const string AddMissingSql = """
        INSERT INTO text_places (trace_id, place) SELECT t.trace_id, -1 FROM traces t WHERE NOT EXISTS (SELECT 1 FROM text_places p WHERE p.trace_id = t.trace_id)
        ON CONFLICT (trace_id) DO NOTHING
        """;

    private static readonly short[] AllPages = [.. Enumerable.Range(0, TextSegment.Pages).Select(page => (short)page)];

    private readonly PostgresDatabase _database;
    private long _lastMs;
    private long _swept;
    private bool _isMissingAdded;

    public PostgresTextIndex(PostgresDatabase database)
    {
        _database = database;
        _lastMs = NowMs;
    }

    private long NowMs => _database.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();

    public Task<int> IndexAsync(bool now, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            if (await TryLockAsync(session).ConfigureAwait(false) && await ReadAsync(session, now, cancellationToken).ConfigureAwait(false) is { } built)
            {
                using var build = built;
                var (state, added) = (build.State, build.Added.ToList());
                await WritePagesAsync(session, state.SegmentId, build.Encode()).ConfigureAwait(false);
                var placed = await PlaceAsync(session, added).ConfigureAwait(false);
                await session.ExecuteAsync(UpsertSegmentSql, state.SegmentId, (int)state.Traces, (int)state.Live + placed, state.IsFull ? 1 : 0, state.MinTimeMs, state.MaxTimeMs).ConfigureAwait(false);
                Interlocked.Exchange(ref _lastMs, NowMs);
                return added.Count;
            }

            return 0;
        },
        isIdempotent: true,
        cancellationToken);

    public async Task<bool> SweepAsync(CancellationToken cancellationToken)
    {
        var after = Interlocked.Read(ref _swept);
        var segments = await _database.ReadAsync(session => session.QueryAsync(SelectSegmentsSql, ReadState, after, SweptSegments), cancellationToken).ConfigureAwait(false);
        foreach (var segment in segments)
        {
            await _database.WriteAsync(session => SweepAsync(session, segment), isIdempotent: true, cancellationToken).ConfigureAwait(false);
        }

        var isMore = segments.Count == SweptSegments;
        if (!isMore)
        {
            _isMissingAdded |= await _database.WriteAsync(SweepWaitingAsync, isIdempotent: true, cancellationToken).ConfigureAwait(false);
        }

        Interlocked.Exchange(ref _swept, isMore ? segments[^1].SegmentId : 0);
        return isMore;
    }

    public async Task<long> CountWaitingAsync(CancellationToken cancellationToken) =>
        (await _database.ReadAsync(session => session.QueryAsync(CountWaitingSql, row => row.Int64(0)), cancellationToken).ConfigureAwait(false))[0];

    private static async Task<bool> TryLockAsync(PostgresSession session) => (await session.QueryAsync(LockSql, row => row.Boolean(0), IndexLock).ConfigureAwait(false))[0];

    /// <summary>Reads a segment's worth of what waits; null when it is too early, or nothing does.</summary>
    private async Task<TextSegmentBuild?> ReadAsync(PostgresSession session, bool now, CancellationToken cancellationToken)
    {
        var segment = TextSegmentState.Open((await session.QueryAsync(SelectLastSql, ReadState).ConfigureAwait(false)).SingleOrDefault());
        var room = TextSegment.Traces - segment.Traces;
        var seenBy = now ? long.MaxValue : NowMs - ITextIndex.SettledMs;
        var settled = (await session.QueryAsync(CountSettledSql, row => row.Int64(0), seenBy, room).ConfigureAwait(false))[0];
        if (settled == 0 || (!now && settled < room && NowMs - Interlocked.Read(ref _lastMs) < ITextIndex.PatienceMs))
        {
            return null;
        }

        var waiting = await session.QueryAsync(
            SelectWaitingSql,
            row => (Trace: new WaitingTrace(row.Text(0), row.Int64(1), row.Int64(2)), Previews: new[] { row.TextOrNull(3), row.TextOrNull(4) }, Bucket: row.Day(5)),
            seenBy,
            room).ConfigureAwait(false);
        if (waiting.Count == 0)
        {
            // Somebody wrote to them since they were counted.
            return null;
        }

        var build = new TextSegmentBuild(segment, segment.Traces == 0 ? [] : await ReadPagesAsync(session, segment.SegmentId).ConfigureAwait(false));
        var grams = new TextGramSet();
        foreach (var chunk in waiting.Chunk(ReadChunk))
        {
            var byId = new Dictionary<string, int[]>();
            var previewsOf = chunk.ToDictionary(each => each.Trace.TraceId, each => each.Previews);
            var ofTrace = new List<StoredSpan>();
            var spans = session.StreamAsync(SelectSpansSql, [chunk.Select(each => each.Trace.TraceId).ToArray(), chunk.Select(each => each.Bucket).Distinct().ToArray()], cancellationToken);
            await foreach (var row in spans.ConfigureAwait(false))
            {
                var span = SpanRows.Read(row);
                if (ofTrace.Count > 0 && ofTrace[0].Columns.TraceId != span.Columns.TraceId)
                {
                    Take();
                }

                ofTrace.Add(span);
            }

            if (ofTrace.Count > 0)
            {
                Take();
            }

            void Take()
            {
                var traceId = ofTrace[0].Columns.TraceId;
                TextContent.Add(ofTrace, grams, session.Blobs.ReadSurely);
                byId[traceId] = WithPreviews(traceId);
                ofTrace.Clear();
            }

            int[] WithPreviews(string traceId)
            {
                Array.ForEach(previewsOf[traceId], preview => TextContent.AddPreview(preview, grams));
                return grams.Take();
            }

            foreach (var (trace, _, _) in chunk)
            {
                build.Add(trace, byId.TryGetValue(trace.TraceId, out var found) ? found : WithPreviews(trace.TraceId));
                if (build.IsFull)
                {
                    return build;
                }
            }
        }

        return build;
    }

    /// <summary>Gives the traces their places, but for those that have changed meanwhile: they wait on.</summary>
    private static async Task<int> PlaceAsync(PostgresSession session, List<(WaitingTrace Trace, long Place)> added)
    {
        var locked = (await session.QueryAsync(LockPlacesSql, row => (Id: row.Text(0), Place: row.Int64(1)), added.Select(item => item.Trace.TraceId).ToArray()).ConfigureAwait(false))
            .ToDictionary(row => row.Id, row => row.Place);
        var unchanged = added.FindAll(item => locked.TryGetValue(item.Trace.TraceId, out var place) && place == item.Trace.TextPlace);
        return await session.ExecuteAsync(PlaceSql, unchanged.Select(item => item.Trace.TraceId).ToArray(), unchanged.Select(item => item.Place).ToArray()).ConfigureAwait(false);
    }

    /// <summary>Removes what waits and is no trace. Once for each start adds the traces that are missing: servers of an earlier version, which did not know this table, may have written them.</summary>
    /// <returns>Whether they were looked for.</returns>
    private async Task<bool> SweepWaitingAsync(PostgresSession session)
    {
        if (!await TryLockAsync(session).ConfigureAwait(false))
        {
            return false;
        }

        await DeleteLostAsync(session, long.MinValue, 0).ConfigureAwait(false);
        if (!_isMissingAdded)
        {
            await session.ExecuteAsync(AddMissingSql).ConfigureAwait(false);
        }

        return true;
    }

    private static async Task DeleteLostAsync(PostgresSession session, long from, long to)
    {
        var lost = await session.QueryAsync(LockLostSql, row => row.Text(0), from, to).ConfigureAwait(false);
        if (lost.Count > 0)
        {
            await session.ExecuteAsync(DeleteLostSql, (PostgresValue)lost.ToArray()).ConfigureAwait(false);
        }
    }

    private static async Task<bool> SweepAsync(PostgresSession session, TextSegmentState seen)
    {
        // Another server may have changed or dropped it since it was read.
        if (!await TryLockAsync(session).ConfigureAwait(false)
            || (await session.QueryAsync(SelectSegmentsSql, ReadState, seen.SegmentId - 1, 1).ConfigureAwait(false)).SingleOrDefault() is not { } segment || segment.SegmentId != seen.SegmentId)
        {
            return false;
        }

        await DeleteLostAsync(session, segment.PlaceOf(0), segment.PlaceOf(TextSegment.Traces)).ConfigureAwait(false);
        var traces = await session.QueryAsync(SelectPlacesSql, row => (Id: row.Text(0), Place: row.Int64(1)), segment.PlaceOf(0), segment.PlaceOf(TextSegment.Traces)).ConfigureAwait(false);
        if (traces.Count >= segment.Live)
        {
            return false;
        }

        if (segment.IsSparse(traces.Count))
        {
            var ids = traces.Select(trace => trace.Id).ToArray();
            var locked = await session.QueryAsync(LockPlacesSql, row => row.Text(0), ids).ConfigureAwait(false);
            if (locked.Count == traces.Count)
            {
                await session.ExecuteAsync(PlaceSql, ids, ids.Select(_ => -1L).ToArray()).ConfigureAwait(false);
                await session.ExecuteAsync(DeletePagesSql, AllPages, segment.SegmentId).ConfigureAwait(false);
                await session.ExecuteAsync(DeleteSegmentSql, segment.SegmentId).ConfigureAwait(false);
            }

            return true;
        }

        using var build = new TextSegmentBuild(segment, await ReadPagesAsync(session, segment.SegmentId).ConfigureAwait(false));
        build.Keep(traces.Select(trace => (int)(trace.Place & (TextSegment.Traces - 1))).ToHashSet());
        await WritePagesAsync(session, segment.SegmentId, build.Encode()).ConfigureAwait(false);
        await session.ExecuteAsync(KeptSql, segment.SegmentId, traces.Count).ConfigureAwait(false);
        return true;
    }

    private static Task<List<(int Page, byte[] Grams)>> ReadPagesAsync(PostgresSession session, long segmentId) =>
        session.QueryAsync(SelectPagesSql, row => ((int)row.Int64(0), row.Bytes(1)), AllPages, segmentId);

    private static async Task WritePagesAsync(PostgresSession session, long segmentId, byte[][] pages)
    {
        var (filled, empty) = (AllPages.Where(page => pages[page].Length > 0).ToArray(), AllPages.Where(page => pages[page].Length == 0).ToArray());
        await session.ExecuteAsync(UpsertPagesSql, filled, filled.Select(page => pages[page]).ToArray(), segmentId).ConfigureAwait(false);
        await session.ExecuteAsync(DeletePagesSql, empty, segmentId).ConfigureAwait(false);
    }

    private static TextSegmentState ReadState(PostgresRow row) => new()
    {
        SegmentId = row.Int64(0),
        Traces = row.Int64(1),
        Live = row.Int64(2),
        IsFull = row.Int64(3) != 0,
        MinTimeMs = row.Int64(4),
        MaxTimeMs = row.Int64(5),
    };
}
