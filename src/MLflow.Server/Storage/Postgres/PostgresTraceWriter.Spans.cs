using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <content>Spans, their payloads, and what follows from them for their traces.</content>
internal static partial class PostgresTraceWriter
{
    /// <summary>Spans from which COPY is quicker than one statement with a list for each column (ADR 0022); below, the ways there and back that it needs count more.</summary>
    private const int CopyFrom = 512;

    private static async Task WriteSpansAsync(
        PostgresSession session, PostgresBatch closing, List<TraceRows> traces, Dictionary<string, DateOnly> buckets, List<StoredLog> stored, HashSet<string> isNew, bool isStraight)
    {
        var logs = OfSpans(stored, [.. traces.SelectMany(trace => trace.Spans).Select(span => span.Record)]);
        var withLogs = traces;
        var told = new HashSet<string>();
        if (logs.Count > 0)
        {
            var events = logs.ToDictionary(ofSpan => ofSpan.Key, ofSpan => ofSpan.Value.ConvertAll(log => log.Event));
            withLogs = traces.ConvertAll(trace => trace.With(events));
            told = [.. logs.Keys.Select(key => key.OtelTraceId)];
        }

        // What was inserted with a trace before its log records were known has to be derived once more.
        await WriteSpansAsync(session, closing, withLogs, buckets, logs, isStraight ? isNew : [], trace => !isNew.Contains(trace.TraceId) || OtelIds(trace).Any(told.Contains)).ConfigureAwait(false);
    }

    /// <summary>Writes spans that have their log records.</summary>
    /// <param name="session">The transaction, which has locked the traces.</param>
    /// <param name="closing">Gets what need not be done at once.</param>
    /// <param name="traces">The spans.</param>
    /// <param name="buckets">Where the spans of a trace are.</param>
    /// <param name="logs">The log records. Those of spans that are written wait no more; others wait on for what is stored.</param>
    /// <param name="isNew">Traces that this transaction has inserted: there are no other spans of them.</param>
    /// <param name="isDerived">Whether what follows for a trace has to be derived from all its spans, because there are others or it was inserted before their log records were known.</param>
    private static async Task WriteSpansAsync(
        PostgresSession session,
        PostgresBatch closing,
        List<TraceRows> traces,
        Dictionary<string, DateOnly> buckets,
        Dictionary<(string OtelTraceId, string SpanId), List<StoredLog>> logs,
        HashSet<string> isNew,
        Predicate<TraceRows> isDerived)
    {
        await FreeMembersAsync(session, traces.FindAll(trace => !isNew.Contains(trace.TraceId)), buckets).ConfigureAwait(false);
        var fresh = traces.FindAll(trace => isNew.Contains(trace.TraceId)).SelectMany(trace => trace.Spans).ToList();
        await InsertSpansAsync(session, closing, fresh, buckets).ConfigureAwait(false);
        var others = traces.FindAll(trace => !isNew.Contains(trace.TraceId)).SelectMany(trace => trace.Spans).ToList();
        var replaced = await UpsertSpansAsync(session, others, buckets).ConfigureAwait(false);
        var written = fresh.Concat(replaced).ToList();
        await PostgresBlobLedger.ReferAsync(
            session,
            closing,
            replaced.ConvertAll(span => (span.Record.TraceId, span.Record.SpanId)),
            [.. written.SelectMany(span => span.Blobs.Select(name => (span.Record.TraceId, span.Record.SpanId, name)))]).ConfigureAwait(false);
        var aliases = traces.SelectMany(trace => trace.Spans).Where(span => span.Record.TraceId != TraceIdOf(span.Record.OtelTraceId))
            .Select(span => (span.Record.OtelTraceId, span.Record.TraceId)).Distinct().Order().ToList();
        if (aliases.Count > 0)
        {
            closing.Add(InsertAliasesSql, Column(aliases, alias => alias.OtelTraceId), Column(aliases, alias => alias.TraceId));
        }

        SettleLogs(closing, [.. written.SelectMany(span => logs.GetValueOrDefault((span.Record.OtelTraceId, span.Record.SpanId), []))]);
        var byTrace = written.ToLookup(span => span.Record.TraceId);
        var changed = traces.FindAll(trace => byTrace.Contains(trace.TraceId));
        var summaries = changed.ToDictionary(trace => trace.TraceId, trace => trace.Summary);

        // What follows for a trace, follows from all its spans.
        var derived = changed.FindAll(isDerived);
        var known = derived.FindAll(trace => !isNew.Contains(trace.TraceId));
        if (known.Count > 0)
        {
            var facts = await ReadSpanFactsAsync(session, known, buckets).ConfigureAwait(false);
            known.ForEach(trace => summaries[trace.TraceId] = TraceSummary.From([.. facts[trace.TraceId]]));
        }

        if (derived.Count > 0)
        {
            WaitForText(closing, [.. derived.Select(trace => trace.TraceId)]);
            UpdateTraces(closing, [.. derived.Select(trace => (trace.TraceId, summaries[trace.TraceId], NewTraceRow.Root([.. byTrace[trace.TraceId]], summaries[trace.TraceId])))]);
        }

        WriteDerivedMetadata(closing, summaries, isNew);
    }

    /// <summary>Writes spans of new traces: there is nothing that they could replace.</summary>
    private static async Task InsertSpansAsync(PostgresSession session, PostgresBatch closing, List<SpanRow> spans, Dictionary<string, DateOnly> buckets)
    {
        if (spans.Count >= CopyFrom)
        {
            await session.CopyAsync(CopySpansSql, spans, (copy, span) => WriteAsync(copy, span, buckets[span.Record.TraceId])).ConfigureAwait(false);
            await session.CopyAsync(
                CopyPayloadsSql,
                spans.FindAll(HasPayload),
                async (copy, span) =>
                {
                    await copy.TextAsync(span.Record.TraceId).ConfigureAwait(false);
                    await copy.DayAsync(buckets[span.Record.TraceId]).ConfigureAwait(false);
                    await copy.TextAsync(span.Record.SpanId).ConfigureAwait(false);
                    await copy.SmallAsync((short)span.Codec).ConfigureAwait(false);
                    await copy.BytesAsync(span.Payload).ConfigureAwait(false);
                }).ConfigureAwait(false);
        }
        else if (spans.Count > 0)
        {
            closing.Add(InsertSpansSql, SpanColumnsOf(spans, buckets));
            closing.Add(InsertPayloadsSql, PayloadColumnsOf(spans.FindAll(HasPayload), buckets));
        }
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
            PostgresValue[] ids = [Column(alone, span => span.TraceId), Column(alone, span => buckets[span.TraceId]), Column(alone, span => span.SpanId)];
            await session.ExecuteAsync(UpsertPayloadsSql, [.. ids, Column(alone, span => (short)span.Codec), Column(alone, span => span.Payload)]).ConfigureAwait(false);
            await session.ExecuteAsync(LeaveFrameSql, ids).ConfigureAwait(false);
        }
    }

    /// <returns>Those that were written: not those of which something newer is stored, or that say no more than that a stored span runs.</returns>
    private static async Task<List<SpanRow>> UpsertSpansAsync(PostgresSession session, List<SpanRow> spans, Dictionary<string, DateOnly> buckets)
    {
        if (spans.Count == 0)
        {
            return [];
        }

        // What says no more than that a span runs replaces nothing.
        var batch = session.Batch();
        var written = spans.GroupBy(span => span.Record is { LeaseMs: not null, EndNs: null })
            .Select(group => batch.AddQuery(group.Key ? InsertRunningSpansSql : UpsertSpansSql, row => (row.Text(0), row.Text(1)), SpanColumnsOf([.. group], buckets)))
            .ToList().SelectMany(rows => rows);
        await batch.RunAsync().ConfigureAwait(false);
        var isWritten = written.ToHashSet();
        var payloads = isWritten.Count == spans.Count ? spans : spans.FindAll(span => isWritten.Contains((span.Record.TraceId, span.Record.SpanId)));
        await session.ExecuteAsync(UpsertPayloadsSql, PayloadColumnsOf(payloads.FindAll(HasPayload), buckets)).ConfigureAwait(false);
        if (payloads.FindAll(span => !HasPayload(span)) is { Count: > 0 } members)
        {
            await session.ExecuteAsync(
                DeletePayloadsSql, Column(members, span => span.Record.TraceId), Column(members, span => buckets[span.Record.TraceId]), Column(members, span => span.Record.SpanId)).ConfigureAwait(false);
        }

        return payloads;
    }

    /// <summary>Whether a span has a row of content. Others say in their own row where in the frame of another it is.</summary>
    private static bool HasPayload(SpanRow span) => span.Codec != PayloadFrame.Member;

    private static byte[]? FramePlace(SpanRow span) => HasPayload(span) ? null : span.Payload;

    /// <summary>OpenTelemetry's id of the trace where it does not follow from the trace's own; else null.</summary>
    private static string? OwnOtelTraceId(SpanRecord span) => span.TraceId == TraceIdOf(span.OtelTraceId) ? null : span.OtelTraceId;

    private static PostgresValue[] SpanColumnsOf(List<SpanRow> spans, Dictionary<string, DateOnly> buckets) =>
    [
        Column(spans, span => span.Record.TraceId),
        Column(spans, span => buckets[span.Record.TraceId]),
        Column(spans, span => span.Record.SpanId),
        Column(spans, span => OwnOtelTraceId(span.Record)),
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
        Column(spans, FramePlace),
    ];

    private static PostgresValue[] PayloadColumnsOf(List<SpanRow> spans, Dictionary<string, DateOnly> buckets) =>
    [
        Column(spans, span => span.Record.TraceId),
        Column(spans, span => buckets[span.Record.TraceId]),
        Column(spans, span => span.Record.SpanId),
        Column(spans, span => (short)span.Codec),
        Column(spans, span => span.Payload),
    ];

    /// <summary>The same columns, for COPY.</summary>
    private static async Task WriteAsync(PostgresCopy copy, SpanRow span, DateOnly bucket)
    {
        await copy.TextAsync(span.Record.TraceId).ConfigureAwait(false);
        await copy.DayAsync(bucket).ConfigureAwait(false);
        await copy.TextAsync(span.Record.SpanId).ConfigureAwait(false);
        await copy.TextAsync(OwnOtelTraceId(span.Record)).ConfigureAwait(false);
        await copy.TextAsync(span.Record.ParentSpanId).ConfigureAwait(false);
        await copy.TextAsync(span.Record.Name).ConfigureAwait(false);
        await copy.TextAsync(span.Record.Type).ConfigureAwait(false);
        await copy.TextAsync(ColumnText.Of(span.Record.Status)).ConfigureAwait(false);
        await copy.TextAsync(span.Record.StatusMessage).ConfigureAwait(false);
        await copy.NumberAsync(span.Record.StartNs).ConfigureAwait(false);
        await copy.NumberAsync(span.Record.EndNs).ConfigureAwait(false);
        await copy.TextAsync(span.Facts.Model).ConfigureAwait(false);
        await copy.NumberAsync(span.Facts.InputTokens).ConfigureAwait(false);
        await copy.NumberAsync(span.Facts.OutputTokens).ConfigureAwait(false);
        await copy.NumberAsync(span.Facts.TotalTokens).ConfigureAwait(false);
        await copy.NumberAsync(span.Facts.CachedInputTokens).ConfigureAwait(false);
        await copy.NumberAsync(span.Facts.FirstTokenMs).ConfigureAwait(false);
        await copy.TextAsync(span.Facts.StreamEnd).ConfigureAwait(false);
        await copy.TextAsync(span.Facts.ErrorType).ConfigureAwait(false);
        await copy.TextAsync(span.Facts.ErrorMessage).ConfigureAwait(false);
        await copy.NumberAsync(span.Facts.Cost?.Input).ConfigureAwait(false);
        await copy.NumberAsync(span.Facts.Cost?.Output).ConfigureAwait(false);
        await copy.TextAsync(span.Facts.Session).ConfigureAwait(false);
        await copy.TextAsync(span.Facts.User).ConfigureAwait(false);
        await copy.BytesAsync(FramePlace(span)).ConfigureAwait(false);
    }
}
