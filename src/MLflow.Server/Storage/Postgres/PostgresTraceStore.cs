using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Traces in PostgreSQL: what changes them.</summary>
internal sealed partial class PostgresTraceStore : ITraceStore
{
    /// <summary>Traces deleted in one transaction, so that others do not wait for a large deletion.</summary>
    private const int DeleteChunk = 200;

    private readonly PostgresDatabase _database;
    private readonly CallPricer _pricer;

    public PostgresTraceStore(PostgresDatabase database, CallPricer? pricer = null)
    {
        _database = database;
        _pricer = pricer ?? new CallPricer(PriceTable.Shipped);
    }

    public async Task WriteAsync(TraceBatch batch, CancellationToken cancellationToken)
    {
        if (batch.Spans.Count == 0 && batch.Infos.Count == 0)
        {
            return;
        }

        await _database.SpanBlobs.WriteAsync(
            largeFrom => TraceRows.From(batch.Spans, _pricer, largeFrom), traces => _database.Writer.WriteAsync(new PostgresWork(batch, traces, _pricer), cancellationToken), _database.Blobs(), cancellationToken).ConfigureAwait(false);
        _database.Changes.Tell(batch);
    }

    public async Task WriteLogsAsync(IReadOnlyList<SpanLogRecord> logs, CancellationToken cancellationToken)
    {
        foreach (var chunk in LogRow.Chunks(logs))
        {
            await PostgresTraceWriter.WriteLogsAsync(_database, chunk, _pricer, cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<RemapResult> RemapAsync(CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresTraceWriter.RemapAsync(session, _pricer), isIdempotent: true, cancellationToken);

    public async Task<IReadOnlyList<string>> DeleteAsync(TraceDeletion deletion, CancellationToken cancellationToken)
    {
        var deleted = new List<string>();
        if (deletion.TraceIds is { } traceIds)
        {
            foreach (var chunk in traceIds.Chunk(DeleteChunk))
            {
                deleted.AddRange(await DeleteAsync(chunk, long.MaxValue).ConfigureAwait(false));
            }

            return deleted;
        }

        var remaining = deletion.MaxTraces ?? int.MaxValue;
        while (remaining > 0)
        {
            var limit = Math.Min(remaining, DeleteChunk);
            var oldest = await _database.WriteAsync(
                session => session.QueryAsync(SelectOldestSql, row => row.Text(0), deletion.ExperimentId, deletion.MaxTimestampMs, limit), isIdempotent: true, cancellationToken).ConfigureAwait(false);
            var chunk = await DeleteAsync([.. oldest], deletion.MaxTimestampMs ?? long.MinValue).ConfigureAwait(false);
            deleted.AddRange(chunk);
            remaining -= chunk.Length;
            if (oldest.Count < limit)
            {
                break;
            }
        }

        return deleted;

        // Once more the experiment and the time: what another one has written since may have changed them.
        Task<string[]> DeleteAsync(string[] ids, long maxTimestampMs) => _database.WriteAsync(
            async session =>
            {
                var batch = session.Batch();
                var locked = ids.Distinct().Order(StringComparer.Ordinal)
                    .Select(id => batch.AddQuery(LockToDeleteSql, row => (Id: row.Text(0), Bucket: row.Day(1)), id, deletion.ExperimentId, maxTimestampMs)).ToList();
                await batch.RunAsync().ConfigureAwait(false);
                var rows = locked.SelectMany(each => each).ToList();
                string[] found = [.. rows.Select(row => row.Id)];
                if (found.Length > 0)
                {
                    await PostgresTraceDeletion.DeleteAsync(session, found, [.. rows.Select(row => row.Bucket).Distinct()]).ConfigureAwait(false);
                }

                return found;
            },
            isIdempotent: false,
            cancellationToken);
    }

    public Task LinkToRunAsync(IReadOnlyList<string> traceIds, string runId, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            string[] ids = [.. traceIds.Distinct()];
            await PostgresTraceWriter.LockAsync(session, ids).ConfigureAwait(false);
            var linked = await session.QueryAsync(InsertRunSql, row => row.Text(0), ids, runId).ConfigureAwait(false);
            if ((await session.QueryAsync(SelectCrowdedSql, row => row.Text(0), linked.ToArray(), ITraceStore.MaxRunsOfATrace).ConfigureAwait(false)).FirstOrDefault() is { } crowded)
            {
                throw new MlflowException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    $"Trace '{crowded}' cannot be linked to run '{runId}': it is linked to {ITraceStore.MaxRunsOfATrace} runs, the most for one trace. Group traces by a tag instead.");
            }

            return true;
        },
        isIdempotent: true,
        cancellationToken);

    public Task SetTagAsync(string traceId, string key, string value, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await TraceExistence.RequireAsync(session, traceId).ConfigureAwait(false);
            await PostgresTraceWriter.UpsertTagsAsync(session, [(traceId, key, value)]).ConfigureAwait(false);
            return true;
        },
        isIdempotent: true,
        cancellationToken);

    public Task DeleteTagAsync(string traceId, string key, CancellationToken cancellationToken) => _database.WriteAsync(
        async session => await session.ExecuteAsync(DeleteTagSql, traceId, key).ConfigureAwait(false) == 1
            ? true
            : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No trace tag with key '{key}' for trace with ID '{traceId}'"),
        isIdempotent: false,
        cancellationToken);

    private const string InsertRunSql = """
        INSERT INTO trace_runs (trace_id, run_id) SELECT u.trace_id, $2 FROM unnest($1::text[]) AS u (trace_id) ORDER BY u.trace_id COLLATE "C" ON CONFLICT DO NOTHING RETURNING trace_id
        """;

    private const string SelectCrowdedSql = "SELECT trace_id FROM trace_runs WHERE trace_id = ANY($1) GROUP BY trace_id HAVING COUNT(*) > $2 ORDER BY trace_id LIMIT 1";

    private const string DeleteTagSql = "DELETE FROM trace_tags WHERE trace_id = $1 AND key = $2";

    private const string SelectOldestSql = "SELECT trace_id FROM traces WHERE experiment_id = $1 AND request_time_ms <= $2 ORDER BY request_time_ms, trace_id LIMIT $3";

    private const string LockToDeleteSql = "SELECT trace_id, bucket FROM traces WHERE trace_id = $1 AND experiment_id = $2 AND request_time_ms <= $3 FOR UPDATE";
}
