using MLflow.Server.Runs;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Runs in PostgreSQL.</summary>
internal sealed class PostgresRunStore : IRunStore
{
    private const string InsertSql = """
        INSERT INTO runs (run_id, experiment_id, name, user_id, status, start_time_ms, end_time_ms, artifact_uri)
        SELECT $1, $2, $3, $4, $5, $6, $7, e.artifact_location || '/' || $1 || '/artifacts' FROM experiments e WHERE e.experiment_id = $2
        ON CONFLICT (run_id) DO NOTHING
        """;

    private const string UpdateSql = "UPDATE runs SET name = COALESCE($2, name), status = COALESCE($3, status), end_time_ms = COALESCE($4, end_time_ms) WHERE run_id = $1";

    private const string SetActiveSql = "UPDATE runs SET is_active = $2 WHERE run_id = $1";

    private const string LockStateSql = "SELECT is_active FROM runs WHERE run_id = $1 FOR UPDATE";

    private const string UpsertTagSql = """
        INSERT INTO run_tags (run_id, key, value) VALUES ($1, $2, $3)
        ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value
        """;

    private const string DeleteTagSql = "DELETE FROM run_tags WHERE run_id = $1 AND key = $2";

    private const string InsertParamSql = "INSERT INTO run_params (run_id, key, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    private const string SelectParamSql = "SELECT value FROM run_params WHERE run_id = $1 AND key = $2";

    private const string InsertMetricsSql = """
        INSERT INTO run_metrics (run_id, key, step, timestamp_ms, value, is_nan)
        SELECT $1, u.* FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::double precision[], $6::smallint[]) AS u ON CONFLICT DO NOTHING
        """;

    private const string SelectRunsSql = """
        SELECT run_id, experiment_id, name, user_id, status, start_time_ms, end_time_ms, artifact_uri, is_active FROM runs WHERE run_id = ANY($1)
        """;

    private const string SelectTagsSql = "SELECT run_id, key, value FROM run_tags WHERE run_id = ANY($1)";

    private const string SelectParamsSql = "SELECT run_id, key, value FROM run_params WHERE run_id = ANY($1)";

    private const string SelectLastMetricsSql = """
        SELECT DISTINCT ON (run_id, key) run_id, key, value, is_nan, timestamp_ms, step
        FROM run_metrics WHERE run_id = ANY($1) ORDER BY run_id, key, step DESC, timestamp_ms DESC, value DESC
        """;

    private readonly PostgresDatabase _database;

    public PostgresRunStore(PostgresDatabase database) => _database = database;

    public Task<Run> CreateAsync(Run run, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await ExperimentState.RequireActiveAsync(session, run.ExperimentId).ConfigureAwait(false);
            await session.ExecuteAsync(InsertSql, run.RunId, run.ExperimentId, run.Name, run.UserId, StatusText(run.Status), run.StartTimeMs, run.EndTimeMs).ConfigureAwait(false);
            await WriteTagsAsync(session, run.RunId, new Dictionary<string, string>(run.Tags) { [Run.NameTag] = run.Name }).ConfigureAwait(false);
            return (await ReadAsync(session, [run.RunId]).ConfigureAwait(false))[0];
        },
        isIdempotent: true,
        cancellationToken);

    public async Task<Run?> GetAsync(string runId, CancellationToken cancellationToken) =>
        (await _database.ReadAsync(session => ReadAsync(session, [runId]), cancellationToken).ConfigureAwait(false)).SingleOrDefault();

    public Task<Run> UpdateAsync(string runId, RunChange change, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await RequireActiveAsync(session, runId).ConfigureAwait(false);
            if (change.Name is not null)
            {
                await session.ExecuteAsync(UpsertTagSql, runId, Run.NameTag, change.Name).ConfigureAwait(false);
            }

            await session.ExecuteAsync(UpdateSql, runId, change.Name, change.Status is { } status ? StatusText(status) : null, change.EndTimeMs).ConfigureAwait(false);
            return (await ReadAsync(session, [runId]).ConfigureAwait(false))[0];
        },
        isIdempotent: true,
        cancellationToken);

    public Task SetActiveAsync(string runId, bool isActive, CancellationToken cancellationToken) => _database.WriteAsync(
        async session => await session.ExecuteAsync(SetActiveSql, runId, isActive ? 1 : 0).ConfigureAwait(false) == 1 ? true : throw Missing(runId),
        isIdempotent: true,
        cancellationToken);

    public Task LogAsync(string runId, RunBatch batch, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await RequireActiveAsync(session, runId).ConfigureAwait(false);
            if (batch.Metrics.Count > 0)
            {
                await session.ExecuteAsync(
                    InsertMetricsSql,
                    runId,
                    batch.Metrics.Select(metric => metric.Key).ToArray(),
                    batch.Metrics.Select(metric => metric.Step).ToArray(),
                    batch.Metrics.Select(metric => metric.TimestampMs).ToArray(),
                    batch.Metrics.Select(metric => double.IsNaN(metric.Value) ? 0 : metric.Value).ToArray(),
                    batch.Metrics.Select(metric => (short)(double.IsNaN(metric.Value) ? 1 : 0)).ToArray()).ConfigureAwait(false);
            }

            foreach (var (key, value) in batch.Params)
            {
                await WriteParamAsync(session, runId, key, value).ConfigureAwait(false);
            }

            await WriteTagsAsync(session, runId, batch.Tags).ConfigureAwait(false);
            return true;
        },
        isIdempotent: true,
        cancellationToken);

    public Task DeleteTagAsync(string runId, string key, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await RequireActiveAsync(session, runId).ConfigureAwait(false);
            if (await session.ExecuteAsync(DeleteTagSql, runId, key).ConfigureAwait(false) == 0)
            {
                throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No tag with name: {key} in run with id {runId}");
            }

            if (key == Run.NameTag)
            {
                await session.ExecuteAsync(UpdateSql, runId, string.Empty, (string?)null, (long?)null).ConfigureAwait(false);
            }

            return true;
        },
        isIdempotent: false,
        cancellationToken);

    public Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken)
    {
        RunSql.RequirePageSize(query);
        var filter = RunFilter.Parse(query.Filter);
        var orders = RunOrder.Parse(query.OrderBy);
        return _database.SearchAsync(
            async (session, clock) =>
            {
                var found = await PostgresTextCandidates.FindAsync(session, clock, query.PageToken, query.PageSize + 1, conditions =>
                {
                    var candidates = new CandidateFilter<RunCondition>(
                        filter, condition => PostgresTextSearch<RunCondition>.Reach(condition.Operator), _ => false, condition => Leaf(condition, conditions, clock), isInWhere: true);
                    return new PostgresTextSearch<RunCondition>("r.run_id", "runs r", RunSql.Where(query, candidates.Superset, conditions), RunSql.Keyset(orders, conditions), candidates);
                }).ConfigureAwait(false);
                string? token = null;
                if (found.Count > query.PageSize)
                {
                    found.RemoveAt(query.PageSize);
                    token = RunSql.Keyset(orders, new PostgresConditions(new PostgresParameters(), clock)).Token(found[^1].Keys);
                }

                return new RunPage(await ReadAsync(session, [.. found.Select(row => (string)row.Id)]).ConfigureAwait(false), token);
            },
            cancellationToken);
    }

    private static CandidateLeaf Leaf(RunCondition condition, PostgresConditions conditions, SearchClock clock) =>
        PostgresTextSearch<RunCondition>.Reach(condition.Operator) == SqlReach.Exact
            ? new CandidateLeaf { Sql = RunSql.Condition(condition, conditions) }
            : new CandidateLeaf
            {
                Texts = $"ARRAY[{RunSql.Expression(condition.Field, condition.Key, conditions)}]",
                Matches = TextMatch.Create(condition.Operator, (string)condition.Values[0], clock),
            };

    private static async Task WriteTagsAsync(PostgresSession session, string runId, IReadOnlyDictionary<string, string> tags)
    {
        foreach (var (key, value) in tags)
        {
            await session.ExecuteAsync(UpsertTagSql, runId, key, value).ConfigureAwait(false);
            if (key == Run.NameTag && value.Length > 0)
            {
                await session.ExecuteAsync(UpdateSql, runId, value, (string?)null, (long?)null).ConfigureAwait(false);
            }
        }
    }

    private static async Task WriteParamAsync(PostgresSession session, string runId, string key, string value)
    {
        if (await session.ExecuteAsync(InsertParamSql, runId, key, value).ConfigureAwait(false) == 1)
        {
            return;
        }

        var old = (await session.QueryAsync(SelectParamSql, row => row.Text(0), runId, key).ConfigureAwait(false))[0];
        if (old != value)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Changing param values is not allowed. Param with key='{key}' has the value '{old}' in run '{runId}'; the new one is '{value}'. Log it under another key.");
        }
    }

    private static async Task RequireActiveAsync(PostgresSession session, string runId)
    {
        var states = await session.QueryAsync(LockStateSql, row => row.Int64(0) != 0, runId).ConfigureAwait(false);
        if (states.Count == 0)
        {
            throw Missing(runId);
        }

        if (!states[0])
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The run {runId} must be in the 'active' state. Current state is deleted.");
        }
    }

    private static MlflowException Missing(string runId) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Run with id={runId} not found");

    private static async Task<List<Run>> ReadAsync(PostgresSession session, string[] runIds)
    {
        var tags = await PairsAsync(SelectTagsSql).ConfigureAwait(false);
        var parameters = await PairsAsync(SelectParamsSql).ConfigureAwait(false);
        var metrics = (await session.QueryAsync(
            SelectLastMetricsSql, row => (RunId: row.Text(0), Metric: new RunMetric(row.Text(1), row.Int64(3) != 0 ? double.NaN : row.Double(2), row.Int64(4), row.Int64(5))), runIds).ConfigureAwait(false))
            .ToLookup(row => row.RunId, row => row.Metric);
        var runs = (await session.QueryAsync(
            SelectRunsSql,
            row => new Run
            {
                RunId = row.Text(0),
                ExperimentId = row.Int64(1),
                Name = row.Text(2),
                UserId = row.Text(3),
                Status = Enum.Parse<RunStatus>(row.Text(4), ignoreCase: true),
                StartTimeMs = row.Int64OrNull(5),
                EndTimeMs = row.Int64OrNull(6),
                ArtifactUri = row.Text(7),
                IsActive = row.Int64(8) != 0,
                Tags = tags[row.Text(0)].ToDictionary(pair => pair.Key, pair => pair.Value),
                Params = parameters[row.Text(0)].ToDictionary(pair => pair.Key, pair => pair.Value),
                Metrics = [.. metrics[row.Text(0)]],
            },
            runIds).ConfigureAwait(false)).ToDictionary(run => run.RunId);
        return [.. runIds.Where(runs.ContainsKey).Select(id => runs[id])];

        async Task<ILookup<string, (string RunId, string Key, string Value)>> PairsAsync(string sql) =>
            (await session.QueryAsync(sql, row => (RunId: row.Text(0), Key: row.Text(1), Value: row.Text(2)), runIds).ConfigureAwait(false)).ToLookup(row => row.RunId);
    }

    private static string StatusText(RunStatus status) => status.ToString().ToUpperInvariant();
}
