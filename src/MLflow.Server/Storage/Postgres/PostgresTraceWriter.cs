using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

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
        var today = Today(database.TimeProvider);
        await database.Partitions.EnsureAsync(today).ConfigureAwait(false);
        var refusals = await database.WriteAsync(
            async session =>
            {
                var states = await ExperimentState.ReadAsync(session, [.. group.SelectMany(work => work.Experiments).Distinct()]).ConfigureAwait(false);
                var refused = group.Select(work => work.Experiments.Select(experiment => ExperimentState.Refusal(states, experiment)).FirstOrDefault(refusal => refusal is not null)).ToArray();
                var accepted = group.Where((_, i) => refused[i] is null).ToList();
                await WriteAsync(session, today, [.. accepted.SelectMany(work => work.Traces)], [.. accepted.SelectMany(work => work.Infos)]).ConfigureAwait(false);
                return refused;
            },
            isIdempotent: true,
            CancellationToken.None).ConfigureAwait(false);

        // Those that came while the spans were not seen yet.
        await JoinWaitingLogsAsync(database, [.. group.SelectMany(work => work.Traces).SelectMany(trace => OtelIds(trace.Rows)).Distinct()], group[0].Pricer).ConfigureAwait(false);
        return refusals;
    }

    private static async Task WriteAsync(PostgresSession session, DateOnly today, IReadOnlyList<TraceInExperiment> written, IReadOnlyList<TraceInfo> infos)
    {
        var traces = written.GroupBy(trace => trace.Rows.TraceId).Select(ofTrace => ofTrace.First() with { Rows = TraceRows.Join([.. ofTrace.Select(trace => trace.Rows)]) }).ToList();
        var added = await InsertTracesAsync(session, today, traces, infos).ConfigureAwait(false);
        string[] all = [.. traces.Select(trace => trace.Rows.TraceId).Concat(infos.Select(info => info.TraceId)).Distinct()];
        await PostgresRollupRows.MarkAsync(session, [.. all.Where(id => !added.Contains(id))]).ConfigureAwait(false);
        if (traces.Count > 0)
        {
            await WriteSpansAsync(session, [.. traces.Select(trace => trace.Rows)], added).ConfigureAwait(false);
        }

        var leases = traces.ToDictionary(trace => trace.Rows.TraceId, trace => trace.Rows.LeaseMs);
        await SeeAsync(session, [.. leases.Keys.Concat(infos.Select(info => info.TraceId)).Distinct().Where(id => !added.Contains(id)).Select(id => (id, leases.GetValueOrDefault(id)))]).ConfigureAwait(false);

        // The same trace twice in one statement would be an error.
        foreach (var round in infos.GroupBy(info => info.TraceId).SelectMany(ofTrace => ofTrace.Select((info, round) => (info, round))).GroupBy(item => item.round).OrderBy(round => round.Key))
        {
            await UpdateInfosAsync(session, [.. round.Select(item => item.info)]).ConfigureAwait(false);
        }

        await UpsertMetadataAsync(session, [.. infos.SelectMany(info => info.Metadata.Select(pair => (info.TraceId, pair.Key, pair.Value)))], derived: 0).ConfigureAwait(false);
        await UpsertTagsAsync(session, [.. infos.SelectMany(info => info.Tags.Select(pair => (info.TraceId, pair.Key, pair.Value)))]).ConfigureAwait(false);
        foreach (var assessment in infos.SelectMany(info => info.Assessments))
        {
            await PostgresAssessmentWriter.InsertAsync(session, assessment).ConfigureAwait(false);
        }

        await PostgresRollupRows.MarkAsync(session, all).ConfigureAwait(false);
    }

    public static async Task UpsertTagsAsync(PostgresSession session, IReadOnlyList<(string TraceId, string Key, string Value)> tags)
    {
        if (tags.Count > 0)
        {
            var last = tags.GroupBy(tag => (tag.TraceId, tag.Key)).Select(same => same.Last()).ToList();
            await session.ExecuteAsync(UpsertTagsSql, Column(last, tag => tag.TraceId), Column(last, tag => tag.Key), Column(last, tag => tag.Value)).ConfigureAwait(false);
        }
    }

    /// <summary>Locks traces that are there, and says in which bucket their spans are.</summary>
    public static async Task<Dictionary<string, DateOnly>> LockAsync(PostgresSession session, string[] traceIds) =>
        (await session.QueryAsync(LockTracesSql, row => (Id: row.Text(0), Bucket: row.Day(1)), traceIds).ConfigureAwait(false)).ToDictionary(row => row.Id, row => row.Bucket);

    /// <summary>Inserts the traces that are new, and locks the others.</summary>
    /// <returns>Those that were new.</returns>
    private static async Task<HashSet<string>> InsertTracesAsync(PostgresSession session, DateOnly today, List<TraceInExperiment> traces, IReadOnlyList<TraceInfo> infos)
    {
        var known = traces.Select(trace => trace.Rows.TraceId).ToHashSet();
        var rows = traces.Select(trace => new NewTrace(trace.Rows.TraceId, trace.ExperimentId, trace.Rows.Summary, Root(trace.Rows.Spans, trace.Rows.Summary), null) { LeaseMs = trace.Rows.LeaseMs })
            .Concat(infos.Where(info => known.Add(info.TraceId)).Select(info => new NewTrace(info.TraceId, info.ExperimentId, null, null, info))).ToList();
        if (rows.Count == 0)
        {
            return [];
        }

        var added = await session.QueryAsync(
            InsertTracesSql,
            row => row.Text(0),
            Column(rows, row => row.TraceId),
            Column(rows, row => row.ExperimentId),
            Column(rows, row => row.Info?.ClientRequestId),
            Column(rows, row => row.Summary?.RequestTimeMs ?? row.Info!.RequestTimeMs),
            Column(rows, row => row.Summary is { } summary ? summary.DurationMs : row.Info!.DurationMs),
            Column(rows, row => ColumnText.Of(row.Summary?.State ?? row.Info!.State)),
            Column(rows, row => row.Info is { } info ? info.RequestPreview : RequestPreview(row.Root)),
            Column(rows, row => row.Info is { } info ? info.ResponsePreview : ResponsePreview(row.Root)),
            Column(rows, row => row.Info is { } info ? (int)SettledBy(info) : 0),
            Column(rows, row => row.Summary?.Facts.Name),
            Column(rows, row => row.Summary?.Facts.Model),
            Column(rows, row => row.Summary?.Facts.InputTokens),
            Column(rows, row => row.Summary?.Facts.OutputTokens),
            Column(rows, row => row.Summary?.Facts.TotalTokens),
            Column(rows, row => row.Summary?.Facts.CachedInputTokens),
            Column(rows, row => row.Summary?.Facts.FirstTokenMs),
            Column(rows, row => row.Summary?.Facts.ErrorType),
            Column(rows, row => row.Summary?.Facts.ErrorMessage),
            Column(rows, row => row.Summary?.Facts.StreamEnd),
            Column(rows, row => row.Summary?.Facts.SpanCount ?? 0),
            Column(rows, row => row.Info is { } info ? AnnouncedSpans(info) : null),
            Column(rows, row => row.Summary?.Facts.Cost?.Input),
            Column(rows, row => row.Summary?.Facts.Cost?.Output),
            Column(rows, row => row.Summary?.Facts.UnpricedCalls ?? 0),
            Column(rows, row => row.LeaseMs),
            today,
            session.NowMs).ConfigureAwait(false);
        return [.. added];
    }

    /// <summary>Somebody has spoken of the traces just now.</summary>
    private static async Task SeeAsync(PostgresSession session, List<(string TraceId, long? LeaseMs)> traces)
    {
        if (traces.Count > 0)
        {
            await session.ExecuteAsync(SeeTracesSql, Column(traces, trace => trace.TraceId), Column(traces, trace => trace.LeaseMs), session.NowMs).ConfigureAwait(false);
        }
    }

    private static async Task WriteSpansAsync(PostgresSession session, List<TraceRows> traces, HashSet<string> added)
    {
        var buckets = (await session.QueryAsync(SelectBucketsSql, row => (Id: row.Text(0), Bucket: row.Day(1)), Column(traces, trace => trace.TraceId)).ConfigureAwait(false))
            .ToDictionary(row => row.Id, row => row.Bucket);
        var logs = await ReadLogsAsync(session, [.. traces.SelectMany(trace => trace.Spans).Select(span => span.Record)]).ConfigureAwait(false);
        var withLogs = traces;
        var told = new HashSet<string>();
        if (logs.Count > 0)
        {
            var events = logs.ToDictionary(ofSpan => ofSpan.Key, ofSpan => ofSpan.Value.ConvertAll(log => log.Event));
            withLogs = traces.ConvertAll(trace => trace.With(events));
            told = [.. logs.Keys.Select(key => key.OtelTraceId)];
        }

        await WriteSpansAsync(session, withLogs, buckets, logs, trace => !added.Contains(trace.TraceId) || OtelIds(trace).Any(told.Contains)).ConfigureAwait(false);
    }

    /// <summary>Writes spans that have their log records.</summary>
    /// <param name="session">The transaction, which has locked the traces.</param>
    /// <param name="traces">The spans.</param>
    /// <param name="buckets">Where the spans of a trace are.</param>
    /// <param name="logs">The log records. Those of spans that are written wait no more; others wait on for what is stored.</param>
    /// <param name="isDerived">Whether what follows for a trace has to be derived from all its spans, because there are others or it was inserted before their log records were known.</param>
    private static async Task WriteSpansAsync(
        PostgresSession session, List<TraceRows> traces, Dictionary<string, DateOnly> buckets, Dictionary<(string OtelTraceId, string SpanId), List<StoredLog>> logs, Predicate<TraceRows> isDerived)
    {
        await FreeMembersAsync(session, traces.FindAll(isDerived), buckets).ConfigureAwait(false);
        var written = await UpsertSpansAsync(session, [.. traces.SelectMany(trace => trace.Spans)], buckets).ConfigureAwait(false);
        await SettleLogsAsync(session, [.. written.SelectMany(span => logs.GetValueOrDefault((span.Record.OtelTraceId, span.Record.SpanId), []))]).ConfigureAwait(false);
        var byTrace = written.ToLookup(span => span.Record.TraceId);
        var changed = traces.FindAll(trace => byTrace.Contains(trace.TraceId));
        var summaries = changed.ToDictionary(trace => trace.TraceId, trace => trace.Summary);

        // What follows for a trace, follows from all its spans.
        var derived = changed.FindAll(isDerived);
        if (derived.Count > 0)
        {
            var facts = await ReadSpanFactsAsync(session, derived, buckets).ConfigureAwait(false);
            derived.ForEach(trace => summaries[trace.TraceId] = TraceSummary.From([.. facts[trace.TraceId]]));
            await UpdateTracesAsync(session, [.. derived.Select(trace => (trace.TraceId, summaries[trace.TraceId], Root(byTrace[trace.TraceId], summaries[trace.TraceId])))]).ConfigureAwait(false);
        }

        await WriteDerivedMetadataAsync(session, summaries).ConfigureAwait(false);
    }

    /// <summary>Gives spans their own content again whose frame (<see cref="PayloadFrame"/>) is another span's that is about to be written over.</summary>
    private static async Task FreeMembersAsync(PostgresSession session, List<TraceRows> traces, Dictionary<string, DateOnly> buckets)
    {
        if (traces.Count == 0)
        {
            return;
        }

        var spans = traces.SelectMany(trace => trace.Spans).Select(span => span.Record).ToList();
        PostgresValue days = traces.Select(trace => buckets[trace.TraceId]).Distinct().ToArray();
        var owners = (await session.QueryAsync(
            SelectOwnersSql, row => (Key: (row.Text(0), row.Text(1)), Payload: row.Bytes(2)), Column(traces, trace => trace.TraceId), days, Column(spans, span => span.TraceId), Column(spans, span => span.SpanId)).ConfigureAwait(false))
            .ToDictionary(row => row.Key, row => row.Payload);
        if (owners.Count == 0)
        {
            return;
        }

        // Those that have ended are written over in any case.
        var replaced = spans.Where(span => span.EndNs is not null).Select(span => (span.TraceId, span.SpanId)).ToHashSet();
        var members = await session.QueryAsync(
            SelectMembersSql, row => (TraceId: row.Text(0), SpanId: row.Text(1), Payload: row.Bytes(2)), owners.Keys.Select(key => key.Item1).Distinct().ToArray(), days, Column(owners.Keys, key => key.Item2)).ConfigureAwait(false);
        var alone = new List<(string TraceId, string SpanId, int Codec, byte[] Payload)>();
        foreach (var member in members.Where(member => !replaced.Contains((member.TraceId, member.SpanId))))
        {
            if (owners.TryGetValue((member.TraceId, PayloadFrame.OwnerOf(PayloadFrame.Member, member.Payload)!), out var owner) && PayloadFrame.Freed(member.Payload, owner) is { } freed)
            {
                alone.Add((member.TraceId, member.SpanId, freed.Codec, freed.Payload));
            }
        }

        if (alone.Count > 0)
        {
            await session.ExecuteAsync(
                UpsertPayloadsSql,
                Column(alone, span => span.TraceId),
                Column(alone, span => buckets[span.TraceId]),
                Column(alone, span => span.SpanId),
                Column(alone, span => (short)span.Codec),
                Column(alone, span => span.Payload)).ConfigureAwait(false);
        }
    }

    /// <returns>Those that were written: not those of which something newer is stored, or that say no more than that a stored span runs.</returns>
    private static async Task<List<SpanRow>> UpsertSpansAsync(PostgresSession session, List<SpanRow> spans, Dictionary<string, DateOnly> buckets)
    {
        var leased = spans.FindAll(span => span.Record.LeaseMs is not null);
        var written = (await session.QueryAsync(
            UpsertSpansSql,
            row => (row.Text(0), row.Text(1)),
            Column(spans, span => span.Record.TraceId),
            Column(spans, span => buckets[span.Record.TraceId]),
            Column(spans, span => span.Record.SpanId),
            Column(spans, span => span.Record.OtelTraceId),
            Column(spans, span => span.Record.ParentSpanId),
            Column(spans, span => span.Record.Name),
            Column(spans, span => span.Record.Type),
            Column(spans, span => ColumnText.Of(span.Record.Status)),
            Column(spans, span => span.Record.StatusMessage),
            Column(spans, span => span.Record.StartNs),
            Column(spans, span => span.Record.EndNs),
            Column(spans, span => span.Facts.Model),
            Column(spans, span => span.Facts.InputTokens),
            Column(spans, span => span.Facts.OutputTokens),
            Column(spans, span => span.Facts.TotalTokens),
            Column(spans, span => span.Facts.CachedInputTokens),
            Column(spans, span => span.Facts.FirstTokenMs),
            Column(spans, span => span.Facts.StreamEnd),
            Column(spans, span => span.Facts.ErrorType),
            Column(spans, span => span.Facts.ErrorMessage),
            Column(spans, span => span.Facts.Cost?.Input),
            Column(spans, span => span.Facts.Cost?.Output),
            Column(spans, span => span.Facts.Session),
            Column(spans, span => span.Facts.User),
            Column(leased, span => span.Record.TraceId),
            Column(leased, span => span.Record.SpanId)).ConfigureAwait(false)).ToHashSet();
        var payloads = written.Count == spans.Count ? spans : spans.FindAll(span => written.Contains((span.Record.TraceId, span.Record.SpanId)));
        await session.ExecuteAsync(
            UpsertPayloadsSql,
            Column(payloads, span => span.Record.TraceId),
            Column(payloads, span => buckets[span.Record.TraceId]),
            Column(payloads, span => span.Record.SpanId),
            Column(payloads, span => (short)span.Codec),
            Column(payloads, span => span.Payload)).ConfigureAwait(false);
        var aliases = spans.Where(span => span.Record.TraceId != TraceIdOf(span.Record.OtelTraceId)).Select(span => (span.Record.OtelTraceId, span.Record.TraceId)).Distinct().Order().ToList();
        if (aliases.Count > 0)
        {
            await session.ExecuteAsync(InsertAliasesSql, Column(aliases, alias => alias.OtelTraceId), Column(aliases, alias => alias.TraceId)).ConfigureAwait(false);
        }

        return payloads;
    }

    /// <param name="session">The transaction.</param>
    /// <param name="rows">The traces. The root is null when it came with another batch, which has set the previews then.</param>
    private static async Task UpdateTracesAsync(PostgresSession session, List<(string TraceId, TraceSummary Summary, SpanRecord? Root)> rows) =>
        await session.ExecuteAsync(
            UpdateTracesSql,
            Column(rows, row => row.TraceId),
            Column(rows, row => row.Root is not null),
            Column(rows, row => row.Summary.RequestTimeMs),
            Column(rows, row => row.Summary.DurationMs),
            Column(rows, row => ColumnText.Of(row.Summary.State)),
            Column(rows, row => RequestPreview(row.Root)),
            Column(rows, row => ResponsePreview(row.Root)),
            Column(rows, row => row.Summary.Facts.Name),
            Column(rows, row => row.Summary.Facts.Model),
            Column(rows, row => row.Summary.Facts.InputTokens),
            Column(rows, row => row.Summary.Facts.OutputTokens),
            Column(rows, row => row.Summary.Facts.TotalTokens),
            Column(rows, row => row.Summary.Facts.CachedInputTokens),
            Column(rows, row => row.Summary.Facts.FirstTokenMs),
            Column(rows, row => row.Summary.Facts.ErrorType),
            Column(rows, row => row.Summary.Facts.ErrorMessage),
            Column(rows, row => row.Summary.Facts.StreamEnd),
            Column(rows, row => row.Summary.Facts.SpanCount),
            Column(rows, row => row.Summary.Facts.Cost?.Input),
            Column(rows, row => row.Summary.Facts.Cost?.Output),
            Column(rows, row => row.Summary.Facts.UnpricedCalls)).ConfigureAwait(false);

    private static async Task UpdateInfosAsync(PostgresSession session, List<TraceInfo> infos)
    {
        var usages = infos.ConvertAll(info => TokenCounts.Parse(info.Metadata.GetValueOrDefault(TraceKeys.TokenUsage)));
        await session.ExecuteAsync(
            UpdateInfosSql,
            Column(infos, info => info.TraceId),
            Column(infos, info => info.ExperimentId),
            Column(infos, info => info.ClientRequestId),
            Column(infos, info => info.RequestTimeMs),
            Column(infos, info => info.DurationMs),
            Column(infos, info => ColumnText.Of(info.State)),
            Column(infos, info => info.RequestPreview),
            Column(infos, info => info.ResponsePreview),
            Column(infos, info => (int)SettledBy(info)),
            Column(usages, usage => usage.Input),
            Column(usages, usage => usage.Output),
            Column(usages, usage => usage.Total),
            Column(usages, usage => usage.CachedInput),
            Column(infos, AnnouncedSpans)).ConfigureAwait(false);
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

    private static async Task WriteDerivedMetadataAsync(PostgresSession session, Dictionary<string, TraceSummary> summaries)
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
            else
            {
                // A sum without a part of it would be read as the whole.
                withoutCost.Add(traceId);
            }
        }

        await UpsertMetadataAsync(session, pairs, derived: 1).ConfigureAwait(false);
        if (withoutCost.Count > 0)
        {
            await session.ExecuteAsync(DeleteDerivedMetadataSql, withoutCost.ToArray(), TraceKeys.Cost).ConfigureAwait(false);
        }

        void Add(string traceId, string key, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                pairs.Add((traceId, key, value));
            }
        }
    }

    private static async Task UpsertMetadataAsync(PostgresSession session, List<(string TraceId, string Key, string Value)> pairs, short derived)
    {
        if (pairs.Count > 0)
        {
            var last = pairs.GroupBy(pair => (pair.TraceId, pair.Key)).Select(same => same.Last()).ToList();
            await session.ExecuteAsync(
                UpsertMetadataSql, Column(last, pair => pair.TraceId), Column(last, pair => pair.Key), Column(last, pair => pair.Value), Column(last, _ => derived)).ConfigureAwait(false);
        }
    }

    private static SettledFields SettledBy(TraceInfo info) => SettledFields.Info
        | (info.RequestTimeMs > 0 ? SettledFields.RequestTime : 0)
        | (info.DurationMs is not null ? SettledFields.Duration : 0)
        | (info.State is TraceState.Ok or TraceState.Error ? SettledFields.State : 0)
        | (info.RequestPreview is not null ? SettledFields.RequestPreview : 0)
        | (info.ResponsePreview is not null ? SettledFields.ResponsePreview : 0);

    private static long? AnnouncedSpans(TraceInfo info) => TraceSizeStats.SpanCount(info.Metadata.GetValueOrDefault(TraceKeys.SizeStats));

    private static SpanRecord? Root(IEnumerable<SpanRow> spans, TraceSummary summary) => spans.FirstOrDefault(span => span.Record.SpanId == summary.RootSpanId)?.Record;

    private static string? RequestPreview(SpanRecord? root) => RootPreview.Of(root?[AttributeNames.Inputs], "user"u8);

    private static string? ResponsePreview(SpanRecord? root) => RootPreview.Of(root?[AttributeNames.Outputs], "assistant"u8);

    private static DateOnly Today(TimeProvider timeProvider) => DateOnly.FromDateTime(timeProvider.GetUtcNow().UtcDateTime);

    private static IEnumerable<string> OtelIds(TraceRows trace) => trace.Spans.Select(span => span.Record.OtelTraceId).Distinct();

    private static string TraceIdOf(string otelTraceId) => "tr-" + otelTraceId;

    /// <summary>One column of many rows, as a parameter for unnest.</summary>
    private static TColumn[] Column<TRow, TColumn>(IEnumerable<TRow> rows, Func<TRow, TColumn> value) => [.. rows.Select(value)];

    /// <summary>A trace as it is inserted: from its spans, or from its info where no spans came with it.</summary>
    private sealed record NewTrace(string TraceId, long ExperimentId, TraceSummary? Summary, SpanRecord? Root, TraceInfo? Info)
    {
        public long? LeaseMs { get; init; }
    }

    /// <summary>A log record of a span.</summary>
    private sealed record StoredLog(string OtelTraceId, string SpanId, byte[] Hash, SpanEventRecord Event, bool IsWaiting);
}
