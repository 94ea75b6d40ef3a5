using MLflow.Server.Conventions;
using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <content>Log records, and mapping again: both write a stored span once more, from what was sent and from all that is known of it by now.</content>
internal static partial class PostgresTraceWriter
{
    /// <summary>Spans mapped again in one transaction, or those of one trace that has more.</summary>
    private const int RemapChunk = 200;

    private const long MillisecondsOfAnHour = 3_600_000;

    public static async Task WriteLogsAsync(PostgresDatabase database, IReadOnlyList<LogRow> rows, CallPricer pricer, CancellationToken cancellationToken)
    {
        var now = database.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        await database.WriteAsync(
            async session =>
            {
                var lost = await session.QueryAsync(
                    SelectLostLogsSql, row => (OtelTraceId: row.Text(0), SpanId: row.Text(1), Hash: row.Bytes(2)), now - ITraceStore.LogWaitHours * MillisecondsOfAnHour).ConfigureAwait(false);
                if (lost.Count > 0)
                {
                    await session.ExecuteAsync(DeleteLostLogsSql, Column(lost, log => log.OtelTraceId), Column(lost, log => log.SpanId), Column(lost, log => log.Hash)).ConfigureAwait(false);
                }

                var arrival = session.Arrivals.Next(rows.Count);
                return await session.ExecuteAsync(
                    InsertLogsSql,
                    Column(rows, row => row.Log.OtelTraceId),
                    Column(rows, row => row.Log.SpanId),
                    Column(rows, row => row.Hash),
                    Column(rows, row => row.Log.Event.Name),
                    Column(rows, row => row.Log.Event.TimeNs),
                    Column(rows, row => row.Attributes),
                    rows.Select((_, i) => arrival + i).ToArray(),
                    now).ConfigureAwait(false);
            },
            isIdempotent: true,
            cancellationToken).ConfigureAwait(false);
        await JoinWaitingLogsAsync(database, [.. rows.Select(row => row.Log.OtelTraceId).Distinct()], pricer).ConfigureAwait(false);
    }

    public static async Task<RemapResult> RemapAsync(PostgresSession session, CallPricer pricer)
    {
        // Locked: of several servers one maps at a time.
        var (version, done, target) = (await session.QueryAsync(SelectMappingSql, row => (row.Int64(0), row.Text(1), row.Int64(2))).ConfigureAwait(false))[0];
        if (version == ConventionMapper.Version)
        {
            return new RemapResult(IsMore: false);
        }

        // What was done, an older version may have done.
        done = target == ConventionMapper.Version ? done : "";
        var next = await session.QueryAsync(SelectTracesAfterSql, row => (TraceId: row.Text(0), Spans: row.Int64(1)), done, RemapChunk).ConfigureAwait(false);
        var spans = 0L;
        var chunk = next.TakeWhile((trace, i) => (spans += trace.Spans) <= RemapChunk || i == 0).Select(trace => trace.TraceId).ToArray();
        var failures = new List<Exception>();
        if (chunk.Length > 0)
        {
            // One span that cannot be mapped stays as it is, and keeps no other from it.
            var buckets = (await LockAsync(session, chunk).ConfigureAwait(false)).ToDictionary(home => home.TraceId, home => home.Bucket);
            await WriteAgainAsync(session, buckets, SelectSpansSql, [], pricer, failures).ConfigureAwait(false);
        }

        var isMore = chunk.Length < next.Count || next.Count == RemapChunk;
        await session.ExecuteAsync(UpdateMappingSql, isMore ? version : (long)ConventionMapper.Version, isMore ? chunk[^1] : "", (long)ConventionMapper.Version).ConfigureAwait(false);
        return new RemapResult(isMore, failures.Count, failures.FirstOrDefault());
    }

    /// <summary>
    /// Joins log records that still wait to those of their spans that are stored. Whoever has committed spans looks for records, and whoever has committed records looks for spans,
    /// so that of two at the same time one sees what the other wrote.
    /// </summary>
    private static async Task JoinWaitingLogsAsync(PostgresDatabase database, string[] otelTraceIds, CallPricer pricer)
    {
        if (otelTraceIds.Length == 0 || !await database.IsAnyAsync(SelectWaitingSql, otelTraceIds).ConfigureAwait(false))
        {
            return;
        }

        await database.WriteAsync(
            async session =>
            {
                var waiting = await session.QueryAsync(SelectWaitingSql, row => (OtelTraceId: row.Text(0), SpanId: row.Text(1)), otelTraceIds).ConfigureAwait(false);
                var ids = waiting.Select(log => log.OtelTraceId).Distinct().ToArray();
                var aliases = await session.QueryAsync(SelectAliasesSql, row => row.Text(0), ids).ConfigureAwait(false);
                var buckets = (await LockAsync(session, [.. ids.Select(TraceIdOf), .. aliases]).ConfigureAwait(false)).ToDictionary(home => home.TraceId, home => home.Bucket);
                var told = await WriteAgainAsync(session, buckets, SelectSpansOfLogsSql, [Column(waiting, log => log.OtelTraceId), Column(waiting, log => log.SpanId)], pricer).ConfigureAwait(false);
                var batch = session.Batch();
                See(batch, session.NowMs, told.ConvertAll(traceId => (traceId, (long?)null)));
                await batch.RunAsync().ConfigureAwait(false);
                return true;
            },
            isIdempotent: true,
            CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Writes spans of locked traces again.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="buckets">The traces, and where their spans are.</param>
    /// <param name="selectSql">Selects the spans by traces, buckets and <paramref name="values"/>.</param>
    /// <param name="values">Further parameters.</param>
    /// <param name="pricer">Says what calls cost.</param>
    /// <param name="failures">Gets why single spans could not be written again; null where that is the failure of all.</param>
    /// <returns>The traces whose spans were written.</returns>
    private static async Task<List<string>> WriteAgainAsync(
        PostgresSession session, Dictionary<string, DateOnly> buckets, string selectSql, IReadOnlyList<PostgresValue> values, CallPricer pricer, List<Exception>? failures = null)
    {
        if (buckets.Count == 0)
        {
            return [];
        }

        var stored = await session.QueryAsync(selectSql, SpanRows.ReadWithOwner, [buckets.Keys.ToArray(), buckets.Values.Distinct().ToArray(), .. values]).ConfigureAwait(false);
        var spans = stored.ConvertAll(span => span.Columns);
        var logs = OfSpans(await session.QueryAsync(SelectLogsSql, ReadLog, Column(spans.Select(span => span.OtelTraceId).Distinct(), id => id)).ConfigureAwait(false), spans);
        var rows = new List<SpanRow>(stored.Count);
        foreach (var span in stored)
        {
            try
            {
                rows.Add(new SpanRow(span.Sent(session.Blobs.Read), logs.GetValueOrDefault((span.Columns.OtelTraceId, span.Columns.SpanId), []).ConvertAll(log => log.Event), pricer));
            }
            catch (Exception e) when (e is InvalidDataException || (failures is not null && e is not OutOfMemoryException))
            {
                // Without what the blob store has lost, it stays as it is; its log records are shown with it all the same.
                failures?.Add(e);
            }
        }

        var traces = TraceRows.Of(rows, pricer).ToList();
        if (traces.Count > 0)
        {
            var closing = session.Batch();
            await WriteSpansAsync(session, closing, traces, buckets, logs, isNew: [], _ => true).ConfigureAwait(false);
            await closing.RunAsync().ConfigureAwait(false);
            await PostgresRollupRows.MarkAsync(session, [.. traces.Select(trace => trace.TraceId)]).ConfigureAwait(false);
        }

        return traces.ConvertAll(trace => trace.TraceId);
    }

    private static StoredLog ReadLog(PostgresRow row) =>
        new(row.Text(0), row.Text(1), row.Bytes(2), new SpanEventRecord(row.Text(3), row.Int64(4), SpanPayload.ReadObject(row.Text(5))), row.Int64(6) != 0);

    private static Dictionary<(string OtelTraceId, string SpanId), List<StoredLog>> OfSpans(List<StoredLog> logs, List<SpanRecord> spans)
    {
        if (logs.Count == 0)
        {
            return [];
        }

        var ofSpans = spans.Select(span => (span.OtelTraceId, span.SpanId)).ToHashSet();
        return logs.Where(log => ofSpans.Contains((log.OtelTraceId, log.SpanId))).GroupBy(log => (log.OtelTraceId, log.SpanId)).ToDictionary(ofSpan => ofSpan.Key, ofSpan => ofSpan.ToList());
    }

    private static void SettleLogs(PostgresBatch batch, List<StoredLog> logs)
    {
        var waiting = logs.FindAll(log => log.IsWaiting);
        if (waiting.Count > 0)
        {
            batch.Add(SettleLogsSql, Column(waiting, log => log.OtelTraceId), Column(waiting, log => log.SpanId), Column(waiting, log => log.Hash));
        }
    }
}
