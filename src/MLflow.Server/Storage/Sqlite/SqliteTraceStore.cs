using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Traces in SQLite: what changes them.</summary>
internal sealed partial class SqliteTraceStore : ITraceStore
{
    /// <summary>Traces deleted in one transaction, so that a large deletion lets others write in between.</summary>
    private const int DeleteChunk = 200;

    private readonly SqliteDatabase _database;
    private readonly CallPricer _pricer;

    public SqliteTraceStore(SqliteDatabase database, CallPricer? pricer = null)
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
            largeFrom => TraceRows.From(batch.Spans, _pricer, largeFrom), traces => WriteAsync(traces, batch, cancellationToken), _database.Blobs(), cancellationToken).ConfigureAwait(false);
        _database.Changes.Tell(batch);
    }

    private Task<bool> WriteAsync(IReadOnlyList<TraceRows> traces, TraceBatch batch, CancellationToken cancellationToken)
    {
        var experiments = traces.Select(trace => batch.ExperimentOf(trace.TraceId)).Concat(batch.Infos.Select(info => info.ExperimentId)).Distinct().ToList();
        var infos = batch.Infos.DistinctBy(info => info.TraceId).ToDictionary(info => info.TraceId);
        return _database.Writer.WriteAsync(
            session =>
            {
                experiments.ForEach(experimentId => ExperimentState.RequireActive(session, experimentId));
                var inRows = new HashSet<TraceInfo>(ReferenceEqualityComparer.Instance);
                foreach (var trace in traces)
                {
                    var info = infos.GetValueOrDefault(trace.TraceId);
                    if (SqliteTraceWriter.WriteSpans(session, batch.ExperimentOf(trace.TraceId), trace, info) && info is not null)
                    {
                        inRows.Add(info);
                    }
                }

                foreach (var info in batch.Infos)
                {
                    SqliteTraceWriter.WriteInfo(session, info, inRows.Contains(info));
                }

                return true;
            },
            cancellationToken);
    }

    public async Task WriteLogsAsync(IReadOnlyList<SpanLogRecord> logs, CancellationToken cancellationToken)
    {
        foreach (var chunk in LogRow.Chunks(logs))
        {
            await _database.Writer.WriteAsync(
                session =>
                {
                    SqliteTraceWriter.WriteLogs(session, chunk, _pricer, _database.SpanBlobs.Read);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<RemapResult> RemapAsync(CancellationToken cancellationToken) => _database.Writer.WriteAsync(session => SqliteTraceWriter.Remap(session, _pricer, _database.SpanBlobs.Read), cancellationToken);

    public async Task<IReadOnlyList<string>> DeleteAsync(TraceDeletion deletion, CancellationToken cancellationToken)
    {
        var deleted = new List<string>();
        if (deletion.TraceIds is { } traceIds)
        {
            foreach (var chunk in traceIds.Chunk(DeleteChunk))
            {
                deleted.AddRange(await _database.Writer.WriteAsync(
                    session => chunk.SelectMany(traceId => Ids(session[DeleteByIdSql].Bind(1, traceId).Bind(2, deletion.ExperimentId))).ToList(),
                    cancellationToken).ConfigureAwait(false));
            }

            await GiveSpaceBackAsync(cancellationToken).ConfigureAwait(false);
            return deleted;
        }

        var remaining = deletion.MaxTraces ?? int.MaxValue;
        while (remaining > 0)
        {
            var limit = Math.Min(remaining, DeleteChunk);
            var chunk = await _database.Writer.WriteAsync(
                session => Ids(session[DeleteOldestSql].Bind(1, deletion.ExperimentId).Bind(2, deletion.MaxTimestampMs).Bind(3, limit)),
                cancellationToken).ConfigureAwait(false);
            deleted.AddRange(chunk);
            remaining -= chunk.Count;
            if (chunk.Count < limit)
            {
                break;
            }
        }

        await GiveSpaceBackAsync(cancellationToken).ConfigureAwait(false);
        return deleted;
    }

    public Task LinkToRunAsync(IReadOnlyList<string> traceIds, string runId, CancellationToken cancellationToken) =>
        _database.Writer.WriteAsync(
            session =>
            {
                foreach (var traceId in traceIds)
                {
                    if (session[InsertRunSql].Bind(1, traceId).Bind(2, runId).Execute() == 1)
                    {
                        RequireFewRuns(session, traceId, runId);
                    }
                }

                return true;
            },
            cancellationToken);

    public Task SetTagAsync(string traceId, string key, string value, CancellationToken cancellationToken) =>
        _database.Writer.WriteAsync(
            session =>
            {
                TraceExistence.Require(session, traceId);
                return session[SqliteTraceWriter.UpsertTagSql].Bind(1, traceId).Bind(2, key).Bind(3, value).Execute();
            },
            cancellationToken);

    public Task DeleteTagAsync(string traceId, string key, CancellationToken cancellationToken) =>
        _database.Writer.WriteAsync(
            session => session[DeleteTagSql].Bind(1, traceId).Bind(2, key).Execute() == 1
                ? true
                : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No trace tag with key '{key}' for trace with ID '{traceId}'"),
            cancellationToken);

    private async Task GiveSpaceBackAsync(CancellationToken cancellationToken)
    {
        while (await _database.Writer.WriteAsync(SqliteSpace.GiveBack, cancellationToken).ConfigureAwait(false))
        {
        }
    }

    private static void RequireFewRuns(SqliteWriteSession session, string traceId, string runId)
    {
        var rows = session[CountRunsSql].Bind(1, traceId);
        rows.Read();
        var runs = rows.GetInt64(0);
        rows.Reset();
        if (runs > ITraceStore.MaxRunsOfATrace)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Trace '{traceId}' cannot be linked to run '{runId}': it is linked to {ITraceStore.MaxRunsOfATrace} runs, the most for one trace. Group traces by a tag instead.");
        }
    }

    private static List<string> Ids(SqliteStatement rows)
    {
        var ids = new List<string>();
        while (rows.Read())
        {
            ids.Add(rows.GetString(0)!);
        }

        return ids;
    }

    private const string CountRunsSql = "SELECT COUNT(*) FROM trace_runs WHERE trace_id = ?1";

    private const string InsertRunSql = "INSERT INTO trace_runs (trace_id, run_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

    private const string DeleteTagSql = "DELETE FROM trace_tags WHERE trace_id = ?1 AND key = ?2";

    private const string DeleteByIdSql = "DELETE FROM traces WHERE trace_id = ?1 AND experiment_id = ?2 RETURNING trace_id";

    private const string DeleteOldestSql = """
        DELETE FROM traces WHERE trace_id IN (
            SELECT trace_id FROM traces WHERE experiment_id = ?1 AND request_time_ms <= ?2 ORDER BY request_time_ms, trace_id LIMIT ?3)
        RETURNING trace_id
        """;
}
