using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <content>What reads traces.</content>
internal sealed partial class PostgresTraceStore
{
    private const string SelectExperimentsSql = "SELECT trace_id, experiment_id FROM traces WHERE trace_id = ANY($1)";

    private const string SelectExperimentsOfOtelSql = """
        SELECT experiment_id FROM traces WHERE trace_id = ANY($1)
        UNION
        SELECT t.experiment_id FROM trace_aliases a JOIN traces t ON t.trace_id = a.trace_id WHERE a.otel_trace_id = ANY($2)
        """;

    private static readonly string SelectInfosSql = $"SELECT {TraceInfoRows.Columns("$2")} FROM traces t WHERE t.trace_id = ANY($1)";

    private const string SelectTagsSql = "SELECT trace_id, key, value FROM trace_tags WHERE trace_id = ANY($1)";

    private const string SelectMetadataSql = "SELECT trace_id, key, value FROM trace_metadata WHERE trace_id = ANY($1)";

    private const string SelectAssessmentsSql = $"SELECT {AssessmentRows.Columns} FROM assessments WHERE trace_id = ANY($1) ORDER BY trace_id, create_time_ms, arrival";

    private const string SelectBucketSql = "SELECT bucket FROM traces WHERE trace_id = $1";

    private const string SelectSpansSql = """
        SELECT s.trace_id, s.span_id, s.otel_trace_id, s.parent_span_id, s.name, s.type, s.status, s.status_message, s.start_ns, s.end_ns, p.codec, p.payload
        FROM spans s JOIN span_payloads p ON p.trace_id = s.trace_id AND p.bucket = s.bucket AND p.span_id = s.span_id
        WHERE s.trace_id = $1 AND s.bucket = $2
        ORDER BY s.parent_span_id IS NOT NULL, s.start_ns, s.span_id
        """;

    private const string SelectLogsSql = "SELECT otel_trace_id, span_id, name, time_ns, attributes FROM span_logs WHERE otel_trace_id = ANY($1) ORDER BY time_ns, arrival";

    public Task<IReadOnlyList<TraceInfo>> GetInfosAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => ReadInfosAsync(session, [.. traceIds.Distinct()], session.NowMs), cancellationToken);

    public async Task<IReadOnlyDictionary<string, long>> GetExperimentsAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken) =>
        (await _database.ReadAsync(session => session.QueryAsync(SelectExperimentsSql, row => (TraceId: row.Text(0), ExperimentId: row.Int64(1)), traceIds.ToArray()), cancellationToken).ConfigureAwait(false))
        .ToDictionary(row => row.TraceId, row => row.ExperimentId);

    public async Task<IReadOnlyList<long>> GetExperimentsOfOtelAsync(IReadOnlyList<string> otelTraceIds, CancellationToken cancellationToken) => await _database.ReadAsync(
        session => session.QueryAsync(SelectExperimentsOfOtelSql, row => row.Int64(0), otelTraceIds.Select(id => "tr-" + id).ToArray(), otelTraceIds.ToArray()), cancellationToken).ConfigureAwait(false);

    public Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken) => _database.ReadAsync(
        async session =>
        {
            var buckets = await session.QueryAsync(SelectBucketSql, row => row.Day(0), traceId).ConfigureAwait(false);
            var spans = new List<StoredSpan>();
            if (buckets.Count == 1)
            {
                await foreach (var row in session.StreamAsync(SelectSpansSql, [traceId, buckets[0]], cancellationToken).ConfigureAwait(false))
                {
                    spans.Add(SpanRows.Read(row));
                }
            }

            return await WithLogsAsync(session, StoredSpan.Decode(spans)).ConfigureAwait(false);
        },
        cancellationToken);

    public Task<TracePage> SearchAsync(TraceQuery query, CancellationToken cancellationToken)
    {
        if (query.PageSize is < 1 or > TraceQuery.MaxPageSize)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid value {query.PageSize} for parameter 'max_results' supplied:  Hint: Value was of type 'int'. It must be 1 to {TraceQuery.MaxPageSize}. See the API docs for more information about request parameters.");
        }

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
                    var parameters = new PostgresParameters();
                    var where = new TraceSql(new PostgresConditions(parameters, clock)).Where(query, filter);
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
    private static async Task<IReadOnlyList<SpanRecord>> WithLogsAsync(PostgresSession session, IReadOnlyList<SpanRecord> spans)
    {
        var logs = (await session.QueryAsync(
            SelectLogsSql,
            row => (TraceId: row.Text(0), SpanId: row.Text(1), Event: new SpanEventRecord(row.Text(2), row.Int64(3), SpanPayload.ReadObject(row.Text(4)))),
            spans.Select(span => span.OtelTraceId).Distinct().ToArray()).ConfigureAwait(false))
            .ToLookup(log => (log.TraceId, log.SpanId), log => log.Event);
        return logs.Count == 0
            ? spans
            : [.. spans.Select(span => logs.Contains((span.OtelTraceId, span.SpanId))
                ? span with { Sent = span.Sent ?? span, Events = [.. span.Events.Concat(logs[(span.OtelTraceId, span.SpanId)]).OrderBy(e => e.TimeNs)] }
                : span)];
    }

    /// <summary>A trace as it is being read.</summary>
    private sealed record TraceRow(TraceInfo Info, Dictionary<string, string> Tags, Dictionary<string, string> Metadata, List<AssessmentRecord> Assessments);
}
