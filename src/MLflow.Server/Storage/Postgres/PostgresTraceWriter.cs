using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Puts spans and infos of many batches into one transaction, statement by statement for all of them. The outcome for a trace does not depend on which of them
/// come first, nor on who else writes at the same time: whoever writes to a trace has locked its row.
/// </summary>
internal static partial class PostgresTraceWriter
{
    /// <summary>Writes a group of batches.</summary>
    /// <returns>For each batch why it was refused, or null: it is durable.</returns>
    public static async Task<Exception?[]> CommitAsync(PostgresDatabase database, IReadOnlyList<PostgresWork> group)
    {
        var experiments = group.SelectMany(work => work.Experiments).Distinct().ToArray();
        await database.Partitions.EnsureAsync(experiments.Select(database.Partitions.BucketFor)).ConfigureAwait(false);
        Exception?[] refusals;
        try
        {
            refusals = await CommitAsync(isStraight: true).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Spans of a trace that nobody knows: left behind by what did not come from here.
            refusals = await CommitAsync(isStraight: false).ConfigureAwait(false);
        }

        // Those that came while the spans were not seen yet.
        await JoinWaitingLogsAsync(database, [.. group.SelectMany(work => work.Traces).SelectMany(trace => OtelIds(trace.Rows)).Distinct()], group[0].Pricer).ConfigureAwait(false);
        return refusals;

        Task<Exception?[]> CommitAsync(bool isStraight) => database.WriteAsync<Exception?[]>(
            async session =>
            {
                var states = await ExperimentState.ReadAsync(session, experiments).ConfigureAwait(false);
                var refused = group.Select(work => work.Experiments.Select(experiment => ExperimentState.Refusal(states, experiment)).FirstOrDefault(refusal => refusal is not null)).ToArray();
                var accepted = group.Where((_, i) => refused[i] is null).ToList();
                await WriteAsync(session, database.Partitions, [.. accepted.SelectMany(work => work.Traces)], [.. accepted.SelectMany(work => work.Infos)], isStraight).ConfigureAwait(false);
                return refused;
            },
            isIdempotent: true,
            CancellationToken.None);
    }

    private static async Task WriteAsync(PostgresSession session, PostgresPartitions partitions, IReadOnlyList<TraceInExperiment> written, IReadOnlyList<TraceInfo> infos, bool isStraight)
    {
        var traces = written.GroupBy(trace => trace.Rows.TraceId).Select(ofTrace => ofTrace.First() with { Rows = TraceRows.Join([.. ofTrace.Select(trace => trace.Rows)]) }).ToList();
        var opening = session.Batch();
        var firstInfos = infos.DistinctBy(info => info.TraceId).ToDictionary(info => info.TraceId);
        var added = InsertTraces(opening, partitions, session.NowMs, traces, firstInfos);
        var homes = opening.AddQuery(SelectHomesSql, row => new TraceHome(row.Text(0), row.Day(1), row.Int64(2)), Column(traces, trace => trace.Rows.TraceId));
        var stored = opening.AddQuery(SelectLogsSql, ReadLog, OtelIds(traces.Select(trace => trace.Rows)));
        await opening.RunAsync().ConfigureAwait(false);
        var isNew = added.ToHashSet();
        string[] all = [.. traces.Select(trace => trace.Rows.TraceId).Concat(infos.Select(info => info.TraceId)).Distinct()];
        await PostgresRollupRows.MarkAsync(session, [.. all.Where(id => !isNew.Contains(id))]).ConfigureAwait(false);
        var closing = session.Batch();
        if (traces.Count > 0)
        {
            var buckets = await partitions.KeepAsync(session, homes).ConfigureAwait(false);
            await WriteSpansAsync(session, closing, [.. traces.Select(trace => trace.Rows)], buckets, stored, isNew, isStraight).ConfigureAwait(false);
        }

        var leases = traces.ToDictionary(trace => trace.Rows.TraceId, trace => trace.Rows.LeaseMs);
        See(closing, session.NowMs, [.. leases.Keys.Concat(infos.Select(info => info.TraceId)).Distinct().Where(id => !isNew.Contains(id)).Select(id => (id, leases.GetValueOrDefault(id)))]);

        // The rows that are new were made with the first of them. The same trace twice in one statement would be an error.
        foreach (var round in infos.Where(info => !isNew.Contains(info.TraceId) || !ReferenceEquals(firstInfos[info.TraceId], info)).GroupBy(info => info.TraceId).SelectMany(ofTrace => ofTrace.Select((info, round) => (info, round))).GroupBy(item => item.round).OrderBy(round => round.Key))
        {
            UpdateInfos(closing, [.. round.Select(item => new NewTraceRow(item.info.ExperimentId, null, item.info))]);
        }

        WaitForText(closing, [.. isNew.Union(infos.Select(info => info.TraceId))]);
        UpsertMetadata(closing, [.. infos.SelectMany(info => info.Metadata.Select(pair => (info.TraceId, pair.Key, pair.Value)))], derived: 0);
        UpsertTags(closing, [.. infos.SelectMany(info => info.Tags.Select(pair => (info.TraceId, pair.Key, pair.Value)))]);
        await closing.RunAsync().ConfigureAwait(false);
        foreach (var assessment in infos.SelectMany(info => info.Assessments))
        {
            await PostgresAssessmentWriter.InsertAsync(session, assessment).ConfigureAwait(false);
        }

        await PostgresRollupRows.MarkAsync(session, all).ConfigureAwait(false);
    }

    public static async Task UpsertTagsAsync(PostgresSession session, IReadOnlyList<(string TraceId, string Key, string Value)> tags)
    {
        var batch = session.Batch();
        UpsertTags(batch, tags);
        await batch.RunAsync().ConfigureAwait(false);
    }

    /// <summary>Locks traces that are there, and says where their spans are.</summary>
    public static async Task<List<TraceHome>> LockAsync(PostgresSession session, IEnumerable<string> traceIds)
    {
        // One statement for each, in the order of the ids: of a list, each machine of a distributed database would lock its part, in its own order.
        var batch = session.Batch();
        var locked = traceIds.Distinct().Order(StringComparer.Ordinal).Select(id => batch.AddQuery(LockTraceSql, row => new TraceHome(row.Text(0), row.Day(1), row.Int64(2)), id)).ToList();
        await batch.RunAsync().ConfigureAwait(false);
        return [.. locked.SelectMany(rows => rows)];
    }

    private static void UpsertTags(PostgresBatch batch, IReadOnlyList<(string TraceId, string Key, string Value)> tags)
    {
        if (tags.Count > 0)
        {
            var last = tags.GroupBy(tag => (tag.TraceId, tag.Key)).Select(same => same.Last()).ToList();
            batch.Add(UpsertTagsSql, Column(last, tag => tag.TraceId), Column(last, tag => tag.Key), Column(last, tag => tag.Value));
        }
    }

    /// <summary>Inserts the traces that are new, and locks the others.</summary>
    /// <returns>Gets those that were new.</returns>
    private static List<string> InsertTraces(PostgresBatch batch, PostgresPartitions partitions, long nowMs, List<TraceInExperiment> traces, Dictionary<string, TraceInfo> infos)
    {
        var known = traces.Select(trace => trace.Rows.TraceId).ToHashSet();
        var rows = traces.Select(trace => new NewTraceRow(trace.ExperimentId, trace.Rows, infos.GetValueOrDefault(trace.Rows.TraceId)))
            .Concat(infos.Values.Where(info => !known.Contains(info.TraceId)).Select(info => new NewTraceRow(info.ExperimentId, null, info))).ToList();
        return batch.AddQuery(InsertTracesSql, row => row.Text(0),
        [
            Column(rows, row => row.TraceId),
            Column(rows, row => row.ExperimentId),
            Column(rows, row => row.ClientRequestId),
            Column(rows, row => row.RequestTimeMs),
            Column(rows, row => row.DurationMs),
            Column(rows, row => ColumnText.Of(row.State)),
            Column(rows, row => row.RequestPreview),
            Column(rows, row => row.ResponsePreview),
            Column(rows, row => (int)row.Settled),
            .. FactColumns(rows.ConvertAll(row => row.Facts)),
            Column(rows, row => row.AnnouncedSpanCount),
            Column(rows, row => row.LeaseMs),
            Column(rows, row => partitions.BucketFor(row.ExperimentId)),
            nowMs,
        ]);
    }

    /// <summary>What follows from spans, in the order of the statements that write it.</summary>
    private static PostgresValue[] FactColumns(List<TraceFacts> facts) =>
    [
        Column(facts, fact => fact.Name),
        Column(facts, fact => fact.Model),
        Column(facts, fact => fact.InputTokens),
        Column(facts, fact => fact.OutputTokens),
        Column(facts, fact => fact.TotalTokens),
        Column(facts, fact => fact.CachedInputTokens),
        Column(facts, fact => fact.FirstTokenMs),
        Column(facts, fact => fact.ErrorType),
        Column(facts, fact => fact.ErrorMessage),
        Column(facts, fact => fact.StreamEnd),
        Column(facts, fact => fact.SpanCount),
        Column(facts, fact => fact.Cost?.Input),
        Column(facts, fact => fact.Cost?.Output),
        Column(facts, fact => fact.UnpricedCalls),
        Column(facts, TotalCost),
    ];

    /// <summary>The text of the traces has to be indexed.</summary>
    private static void WaitForText(PostgresBatch batch, string[] traceIds)
    {
        if (traceIds.Length > 0)
        {
            batch.Add(WaitForTextSql, (PostgresValue)traceIds);
        }
    }

    /// <summary>Somebody has spoken of the traces just now.</summary>
    private static void See(PostgresBatch batch, long nowMs, List<(string TraceId, long? LeaseMs)> traces)
    {
        if (traces.Count > 0)
        {
            batch.Add(SeeTracesSql, Column(traces, trace => trace.TraceId), Column(traces, trace => trace.LeaseMs), nowMs);
        }
    }

    /// <param name="batch">The statements.</param>
    /// <param name="rows">The traces. The root is null when it came with another batch, which has set the previews then.</param>
    private static void UpdateTraces(PostgresBatch batch, List<(string TraceId, TraceSummary Summary, SpanRecord? Root)> rows) =>
        batch.Add(UpdateTracesSql,
        [
            Column(rows, row => row.TraceId),
            Column(rows, row => row.Root is not null),
            Column(rows, row => row.Summary.RequestTimeMs),
            Column(rows, row => row.Summary.DurationMs),
            Column(rows, row => ColumnText.Of(row.Summary.State)),
            Column(rows, row => NewTraceRow.RequestPreviewOf(row.Root)),
            Column(rows, row => NewTraceRow.ResponsePreviewOf(row.Root)),
            .. FactColumns(rows.ConvertAll(row => row.Summary.Facts)),
        ]);

    private static void UpdateInfos(PostgresBatch batch, List<NewTraceRow> rows)
    {
        var facts = rows.ConvertAll(row => row.Facts);
        batch.Add(
            UpdateInfosSql,
            Column(rows, row => row.TraceId),
            Column(rows, row => row.ExperimentId),
            Column(rows, row => row.ClientRequestId),
            Column(rows, row => row.RequestTimeMs),
            Column(rows, row => row.DurationMs),
            Column(rows, row => ColumnText.Of(row.State)),
            Column(rows, row => row.RequestPreview),
            Column(rows, row => row.ResponsePreview),
            Column(rows, row => (int)row.Settled),
            Column(facts, fact => fact.InputTokens),
            Column(facts, fact => fact.OutputTokens),
            Column(facts, fact => fact.TotalTokens),
            Column(facts, fact => fact.CachedInputTokens),
            Column(rows, row => row.AnnouncedSpanCount));
    }

    private static async Task<ILookup<string, SpanFacts>> ReadSpanFactsAsync(PostgresSession session, List<TraceRows> traces, Dictionary<string, DateOnly> buckets)
    {
        var rows = await session.QueryAsync(
            SelectSpanFactsSql,
            row => (TraceId: row.Text(0), Facts: new SpanFacts
            {
                SpanId = row.Text(1),
                ParentSpanId = row.TextOrNull(2),
                Name = row.Text(3),
                Status = ColumnText.Status(row.Text(4)),
                StartNs = row.Int64(5),
                EndNs = row.Int64OrNull(6),
                Model = row.TextOrNull(7),
                InputTokens = row.Int64OrNull(8),
                OutputTokens = row.Int64OrNull(9),
                TotalTokens = row.Int64OrNull(10),
                CachedInputTokens = row.Int64OrNull(11),
                FirstTokenMs = row.Int64OrNull(12),
                StreamEnd = row.TextOrNull(13),
                ErrorType = row.TextOrNull(14),
                ErrorMessage = row.TextOrNull(15),
                Cost = row.Int64OrNull(16) is { } input ? new CallCost(input, row.Int64(17)) : null,
                Session = row.TextOrNull(18),
                User = row.TextOrNull(19),
            }),
            Column(traces, trace => trace.TraceId),
            traces.Select(trace => buckets[trace.TraceId]).Distinct().ToArray()).ConfigureAwait(false);
        return rows.ToLookup(row => row.TraceId, row => row.Facts);
    }

    private static void WriteDerivedMetadata(PostgresBatch batch, Dictionary<string, TraceSummary> summaries, HashSet<string> isNew)
    {
        var pairs = new List<(string TraceId, string Key, string Value)>();
        var withoutCost = new List<string>();
        foreach (var (traceId, summary) in summaries)
        {
            Add(traceId, TraceKeys.TokenUsage, summary.Tokens.Any ? summary.Tokens.ToJson() : null);
            Add(traceId, TraceKeys.Session, summary.Session);
            Add(traceId, TraceKeys.User, summary.User);
            if (summary.Facts is { Cost: { } cost, UnpricedCalls: 0 })
            {
                Add(traceId, TraceKeys.Cost, cost.ToJson());
            }
            else if (!isNew.Contains(traceId))
            {
                // A sum without a part of it would be read as the whole.
                withoutCost.Add(traceId);
            }
        }

        UpsertMetadata(batch, pairs, derived: 1);
        if (withoutCost.Count > 0)
        {
            batch.Add(DeleteDerivedMetadataSql, withoutCost.ToArray(), TraceKeys.Cost);
        }

        void Add(string traceId, string key, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                pairs.Add((traceId, key, value));
            }
        }
    }

    private static void UpsertMetadata(PostgresBatch batch, List<(string TraceId, string Key, string Value)> pairs, short derived)
    {
        if (pairs.Count > 0)
        {
            var last = pairs.GroupBy(pair => (pair.TraceId, pair.Key)).Select(same => same.Last()).ToList();
            batch.Add(UpsertMetadataSql, Column(last, pair => pair.TraceId), Column(last, pair => pair.Key), Column(last, pair => pair.Value), Column(last, _ => derived));
        }
    }

    private static long? TotalCost(TraceFacts facts) => facts is { Cost: { } cost, UnpricedCalls: 0 } ? cost.Total : null;

    private static IEnumerable<string> OtelIds(TraceRows trace) => trace.Spans.Select(span => span.Record.OtelTraceId).Distinct();

    private static string[] OtelIds(IEnumerable<TraceRows> traces) => [.. traces.SelectMany(OtelIds).Distinct()];

    private static string TraceIdOf(string otelTraceId) => "tr-" + otelTraceId;

    /// <summary>One column of many rows, as a parameter for unnest.</summary>
    private static TColumn[] Column<TRow, TColumn>(IEnumerable<TRow> rows, Func<TRow, TColumn> value) => [.. rows.Select(value)];

    /// <summary>A log record of a span.</summary>
    private sealed record StoredLog(string OtelTraceId, string SpanId, byte[] Hash, SpanEventRecord Event, bool IsWaiting);
}
