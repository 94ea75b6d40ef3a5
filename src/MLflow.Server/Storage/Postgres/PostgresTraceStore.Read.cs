using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <content>What reads traces.</content>
internal sealed partial class PostgresTraceStore
{
    private const string SelectExperimentsSql = "SELECT trace_id, experiment_id FROM traces WHERE trace_id = ANY($1)";

    private const string SelectAliasesSql = "SELECT trace_id FROM trace_aliases WHERE otel_trace_id = ANY($1)";

    private static readonly string SelectInfosSql = $"SELECT {TraceInfoRows.Columns("$2")} FROM traces t WHERE t.trace_id = ANY($1)";

    private const string SelectTagsSql = "SELECT trace_id, key, value FROM trace_tags WHERE trace_id = ANY($1)";

    private const string SelectMetadataSql = "SELECT trace_id, key, value FROM trace_metadata WHERE trace_id = ANY($1)";

    private const string SelectAssessmentsSql = $"SELECT {AssessmentRows.Columns} FROM assessments WHERE trace_id = ANY($1) ORDER BY trace_id, create_time_ms, arrival";

    private const string SelectBucketSql = "SELECT bucket, archive FROM traces WHERE trace_id = $1";

    // Spans and payloads are not joined: of what came a moment ago the planner knows nothing, and compared each of 50,000 spans with each payload.
    private const string SelectSpansSql = $"SELECT {SpanRows.Columns}, s.frame_place FROM spans s WHERE s.trace_id = $1 AND s.bucket = $2";

    private const string SpanOrder = "ORDER BY s.parent_span_id IS NOT NULL, s.start_ns, s.span_id";

    private const string SelectPayloadsSql = "SELECT p.span_id, p.codec, p.payload FROM span_payloads p WHERE p.trace_id = $1 AND p.bucket = $2";

    // The owners of the frames that contents of spans are in.
    private const string SelectOwnersSql = """
        SELECT encode(substring(s.frame_place FROM 1 FOR 8), 'hex') FROM spans s WHERE s.trace_id = $1 AND s.bucket = $2 AND s.span_id = ANY($3) AND s.frame_place IS NOT NULL
        UNION
        SELECT encode(substring(p.payload FROM 1 FOR 8), 'hex') FROM span_payloads p WHERE p.trace_id = $1 AND p.bucket = $2 AND p.span_id = ANY($3) AND p.codec = 3
        """;

    private const string SelectSkeletonSql = $"SELECT {SkeletonRows.Columns} FROM spans s WHERE s.trace_id = $1 AND s.bucket = $2 {SpanOrder}";

    private static readonly string SelectBySpanSql = $"SELECT trace_id FROM spans WHERE span_id = $1 ORDER BY trace_id LIMIT {ITraceStore.MaxTracesOfASpan}";

    private const string SelectLogsSql = "SELECT otel_trace_id, span_id, name, time_ns, attributes FROM span_logs WHERE otel_trace_id = ANY($1) ORDER BY time_ns, arrival";

    private const string SelectSomeLogsSql = "SELECT otel_trace_id, span_id, name, time_ns, attributes FROM span_logs WHERE otel_trace_id = ANY($1) AND span_id = ANY($2) ORDER BY time_ns, arrival";

    public Task<IReadOnlyList<TraceInfo>> GetInfosAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => ReadInfosAsync(session, [.. traceIds.Distinct()], session.NowMs), cancellationToken);

    public async Task<IReadOnlyDictionary<string, long>> GetExperimentsAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken) =>
        (await _database.ReadAsync(session => session.QueryAsync(SelectExperimentsSql, row => (TraceId: row.Text(0), ExperimentId: row.Int64(1)), traceIds.ToArray()), cancellationToken).ConfigureAwait(false))
        .ToDictionary(row => row.TraceId, row => row.ExperimentId);

    public async Task<IReadOnlyList<long>> GetExperimentsOfOtelAsync(IReadOnlyList<string> otelTraceIds, CancellationToken cancellationToken) => await _database.ReadAsync(
        async session =>
        {
            // Never joined: aliases are on the machine of OpenTelemetry's id.
            var aliases = await session.QueryAsync(SelectAliasesSql, row => row.Text(0), (PostgresValue)otelTraceIds.ToArray()).ConfigureAwait(false);
            var rows = await session.QueryAsync(SelectExperimentsSql, row => row.Int64(1), (PostgresValue)otelTraceIds.Select(id => "tr-" + id).Concat(aliases).ToArray()).ConfigureAwait(false);
            return rows.Distinct().ToList();
        },
        cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<string>> FindBySpanAsync(string spanId, CancellationToken cancellationToken) => await _database.SearchAsync(
        (session, clock) =>
        {
            clock.ThrowIfOver();
            return session.QueryAsync(SelectBySpanSql, row => row.Text(0), spanId);
        },
        cancellationToken).ConfigureAwait(false);

    public Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken) => ReadSpansAsync(traceId, null, cancellationToken);

    public async Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, IReadOnlyCollection<string> spanIds, CancellationToken cancellationToken)
    {
        var asked = spanIds.ToHashSet(StringComparer.Ordinal);
        return asked.Count == 0 ? [] : [.. (await ReadSpansAsync(traceId, [.. asked], cancellationToken).ConfigureAwait(false)).Where(span => asked.Contains(span.SpanId))];
    }

    public async Task<IReadOnlyList<SpanRecord>> GetSkeletonAsync(string traceId, CancellationToken cancellationToken) => await _database.ReadAsync(
        async session =>
        {
            var places = await session.QueryAsync(SelectBucketSql, row => row.Day(0), traceId).ConfigureAwait(false);
            var rows = new SkeletonRows(traceId);
            return places.Count == 0 ? [] : await session.QueryAsync(SelectSkeletonSql, row => rows.Read(column => rows.Once(row.TextOrNull(column)), row.Int64OrNull), traceId, places[0]).ConfigureAwait(false);
        },
        cancellationToken).ConfigureAwait(false);

    /// <param name="traceId">The trace.</param>
    /// <param name="spanIds">Those that are wanted, others may be among the spans; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task<IReadOnlyList<SpanRecord>> ReadSpansAsync(string traceId, string[]? spanIds, CancellationToken cancellationToken)
    {
        var (stored, archive, logs) = await _database.ReadAsync(
            async session =>
            {
                var places = await session.QueryAsync(SelectBucketSql, row => (Bucket: row.Day(0), Archive: row.TextOrNull(1)), traceId).ConfigureAwait(false);
                var rows = places.Count == 0 ? [] : await ReadStoredAsync(session, traceId, places[0].Bucket, spanIds).ConfigureAwait(false);
                return (rows, places.FirstOrDefault().Archive, await ReadLogsAsync(session, rows, spanIds).ConfigureAwait(false));
            },
            cancellationToken).ConfigureAwait(false);

        // The transaction is over: the blob store may be slow.
        return WithLogs(await ArchivedSpans.DecodeAsync(_database.SpanBlobs, traceId, stored, archive, cancellationToken).ConfigureAwait(false), logs);
    }

    private static async Task<List<StoredSpan>> ReadStoredAsync(PostgresSession session, string traceId, DateOnly bucket, string[]? spanIds)
    {
        IReadOnlyList<PostgresValue> values = [traceId, bucket];
        var some = "";
        if (spanIds is not null)
        {
            var owners = await session.QueryAsync(SelectOwnersSql, row => row.Text(0), [.. values, spanIds]).ConfigureAwait(false);
            values = [.. values, spanIds.Union(owners).ToArray()];
            some = "AND span_id = ANY($3)";
        }

        var payloads = (await session.QueryAsync($"{SelectPayloadsSql} {some}", row => (SpanId: row.Text(0), Codec: (int)row.Int64(1), Payload: row.Bytes(2)), values).ConfigureAwait(false))
            .ToDictionary(row => row.SpanId, StringComparer.Ordinal);
        return await session.QueryAsync(
            $"{SelectSpansSql} {some} {SpanOrder}",
            row =>
            {
                var span = SpanRows.ReadColumns(row);
                return row.BytesOrNull(10) is { } place ? new StoredSpan(span, PayloadFrame.Member, place)
                    : payloads.TryGetValue(span.SpanId, out var payload) ? new StoredSpan(span, payload.Codec, payload.Payload)
                    : StoredSpan.Archived(span);
            },
            values).ConfigureAwait(false);
    }

    public Task<TracePage> SearchAsync(TraceQuery query, CancellationToken cancellationToken)
    {
        TraceSql.RequirePageSize(query);
        var filter = TraceFilter.Parse(query.Filter);
        var orders = TraceOrder.Parse(query.OrderBy);
        return query.ExperimentIds.Count == 0
            ? Task.FromResult(new TracePage([], null))
            : _database.SearchAsync((session, clock) => PageAsync(session, clock, query, filter, orders, cancellationToken), cancellationToken);
    }

    public Task<int> CountAsync(TraceQuery query, int limit, CancellationToken cancellationToken)
    {
        var filter = TraceFilter.Parse(query.Filter);
        return query.ExperimentIds.Count == 0
            ? Task.FromResult(0)
            : _database.SearchAsync(
                async (session, clock) =>
                {
                    if (!TraceCandidates.IsExact(filter))
                    {
                        var found = new TraceCandidates(session, clock).FindAsync(query with { PageToken = null }, filter, TraceOrder.Parse([]), [], limit, cancellationToken);
                        return await found.Take(limit).CountAsync(cancellationToken).ConfigureAwait(false);
                    }

                    clock.ThrowIfOver();
                    var few = await PostgresFewTraces.FindAsync(session, clock, filter).ConfigureAwait(false);
                    var parameters = new PostgresParameters();
                    var conditions = new PostgresConditions(parameters, clock);
                    var where = new TraceSql(conditions).Where(query, filter, few is null ? null : conditions.In("t.trace_id", few));
                    var select = $"SELECT COUNT(*) FROM (SELECT 1 FROM traces t WHERE {where} LIMIT {parameters.Add((long)limit)}) AS found";
                    return (int)(await session.QueryAsync(select, row => row.Int64(0), [.. parameters.Values]).ConfigureAwait(false))[0];
                },
                cancellationToken);
    }

    private static async Task<TracePage> PageAsync(
        PostgresSession session, SearchClock clock, TraceQuery query, FilterTree<TraceCondition> filter, IReadOnlyList<TraceOrder> orders, CancellationToken cancellationToken)
    {
        // One trace more than the page tells whether there is another page.
        var found = await new TraceCandidates(session, clock).FindAsync(query, filter, orders, [], query.PageSize + 1, cancellationToken)
            .Take(query.PageSize + 1).ToListAsync(cancellationToken).ConfigureAwait(false);
        string? token = null;
        if (found.Count > query.PageSize)
        {
            found.RemoveAt(query.PageSize);
            token = new TraceSql(new PostgresConditions(new PostgresParameters(), clock)).Keyset(orders).Token(found[^1].Keys);
        }

        return new TracePage(await ReadInfosAsync(session, [.. found.Select(trace => trace.TraceId)], clock.StartMs).ConfigureAwait(false), token);
    }

    /// <summary>Those of the traces that are there, in the order of the ids.</summary>
    private static async Task<IReadOnlyList<TraceInfo>> ReadInfosAsync(PostgresSession session, string[] traceIds, long nowMs)
    {
        if (traceIds.Length == 0)
        {
            return [];
        }

        var byId = (await session.QueryAsync(SelectInfosSql, ReadRow, traceIds, nowMs).ConfigureAwait(false)).ToDictionary(trace => trace.Info.TraceId);
        string[] found = [.. byId.Keys];
        foreach (var (traceId, key, value) in await session.QueryAsync(SelectTagsSql, row => (row.Text(0), row.Text(1), row.Text(2)), found).ConfigureAwait(false))
        {
            byId[traceId].Tags[key] = value;
        }

        foreach (var (traceId, key, value) in await session.QueryAsync(SelectMetadataSql, row => (row.Text(0), row.Text(1), row.Text(2)), found).ConfigureAwait(false))
        {
            byId[traceId].Metadata[key] = value;
        }

        foreach (var assessment in await session.QueryAsync(SelectAssessmentsSql, row => AssessmentRows.Read(row.TextOrNull, row.Int64), found).ConfigureAwait(false))
        {
            byId[assessment.TraceId].Assessments.Add(assessment);
        }

        return [.. traceIds.Where(byId.ContainsKey).Select(id => byId[id].Info)];
    }

    private static TraceRow ReadRow(PostgresRow row)
    {
        var (tags, metadata, assessments) = (new Dictionary<string, string>(), new Dictionary<string, string>(), new List<AssessmentRecord>());
        return new TraceRow(TraceInfoRows.Read(row.TextOrNull, row.Int64OrNull, tags, metadata, assessments), tags, metadata, assessments);
    }

    /// <summary>Log records are shown as events of their spans.</summary>
    private static IReadOnlyList<SpanRecord> WithLogs(IReadOnlyList<SpanRecord> spans, ILookup<(string TraceId, string SpanId), SpanEventRecord> logs) => logs.Count == 0
        ? spans
        : [.. spans.Select(span => logs.Contains((span.OtelTraceId, span.SpanId))
            ? span with { Sent = span.Sent ?? span, Events = [.. span.Events.Concat(logs[(span.OtelTraceId, span.SpanId)]).OrderBy(e => e.TimeNs)] }
            : span)];

    private static async Task<ILookup<(string TraceId, string SpanId), SpanEventRecord>> ReadLogsAsync(PostgresSession session, List<StoredSpan> spans, string[]? spanIds) =>
        (await session.QueryAsync(
            spanIds is null ? SelectLogsSql : SelectSomeLogsSql,
            row => (TraceId: row.Text(0), SpanId: row.Text(1), Event: new SpanEventRecord(row.Text(2), row.Int64(3), SpanPayload.ReadObject(row.Text(4)))),
            [spans.Select(span => span.Columns.OtelTraceId).Distinct().ToArray(), .. spanIds is null ? Array.Empty<PostgresValue>() : [spanIds]]).ConfigureAwait(false))
        .ToLookup(log => (log.TraceId, log.SpanId), log => log.Event);

    /// <summary>A trace as it is being read.</summary>
    private sealed record TraceRow(TraceInfo Info, Dictionary<string, string> Tags, Dictionary<string, string> Metadata, List<AssessmentRecord> Assessments);
}
