using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Runs;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Runs in SQLite.</summary>
internal sealed class SqliteRunStore : IRunStore
{
    private const string InsertSql = """
        INSERT INTO runs (run_id, experiment_id, name, user_id, status, start_time_ms, end_time_ms, artifact_uri)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, e.artifact_location || '/' || ?1 || '/artifacts' FROM experiments e WHERE e.experiment_id = ?2
        """;

    private const string UpdateSql = "UPDATE runs SET name = COALESCE(?2, name), status = COALESCE(?3, status), end_time_ms = COALESCE(?4, end_time_ms) WHERE run_id = ?1";

    private const string SetActiveSql = "UPDATE runs SET is_active = ?2 WHERE run_id = ?1";

    private const string SelectStateSql = "SELECT is_active FROM runs WHERE run_id = ?1";

    private const string UpsertTagSql = """
        INSERT INTO run_tags (run_id, key, value) VALUES (?1, ?2, ?3)
        ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value
        """;

    private const string DeleteTagSql = "DELETE FROM run_tags WHERE run_id = ?1 AND key = ?2";

    private const string InsertParamSql = "INSERT INTO run_params (run_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";

    private const string SelectParamSql = "SELECT value FROM run_params WHERE run_id = ?1 AND key = ?2";

    private const string InsertMetricSql = "INSERT INTO run_metrics (run_id, key, step, timestamp_ms, value, is_nan) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";

    private const string SelectRunsSql = """
        SELECT run_id AS RunId, experiment_id AS ExperimentId, name AS Name, user_id AS UserId, status AS Status, start_time_ms AS StartTimeMs, end_time_ms AS EndTimeMs,
            artifact_uri AS ArtifactUri, is_active AS IsActive
        FROM runs WHERE run_id IN (SELECT value FROM json_each($ids))
        """;

    private const string SelectLastMetricsSql = """
        SELECT run_id AS RunId, key AS Key, value AS Value, is_nan AS IsNaN, timestamp_ms AS TimestampMs, step AS Step FROM (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY run_id, key ORDER BY step DESC, timestamp_ms DESC, value DESC) AS place
            FROM run_metrics WHERE run_id IN (SELECT value FROM json_each($ids)))
        WHERE place = 1 ORDER BY run_id, key
        """;

    private readonly SqliteDatabase _database;

    public SqliteRunStore(SqliteDatabase database) => _database = database;

    public async Task<Run> CreateAsync(Run run, CancellationToken cancellationToken)
    {
        await _database.Writer.WriteAsync(
            session =>
            {
                ExperimentState.RequireActive(session, run.ExperimentId);
                session[InsertSql].Bind(1, run.RunId).Bind(2, run.ExperimentId).Bind(3, run.Name).Bind(4, run.UserId).Bind(5, StatusText(run.Status))
                    .Bind(6, run.StartTimeMs).Bind(7, run.EndTimeMs).Execute();
                WriteTags(session, run.RunId, new Dictionary<string, string>(run.Tags) { [Run.NameTag] = run.Name });
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        return (await GetAsync(run.RunId, cancellationToken).ConfigureAwait(false))!;
    }

    public Task<Run?> GetAsync(string runId, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult(Read(connection, [runId]).SingleOrDefault());
    }

    public async Task<Run> UpdateAsync(string runId, RunChange change, CancellationToken cancellationToken)
    {
        await _database.Writer.WriteAsync(
            session =>
            {
                RequireActive(session, runId);
                if (change.Name is not null)
                {
                    session[UpsertTagSql].Bind(1, runId).Bind(2, Run.NameTag).Bind(3, change.Name).Execute();
                }

                return session[UpdateSql].Bind(1, runId).Bind(2, change.Name).Bind(3, change.Status is { } status ? StatusText(status) : null).Bind(4, change.EndTimeMs).Execute();
            },
            cancellationToken).ConfigureAwait(false);
        return (await GetAsync(runId, cancellationToken).ConfigureAwait(false))!;
    }

    public Task SetActiveAsync(string runId, bool isActive, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session => session[SetActiveSql].Bind(1, runId).Bind(2, isActive ? 1 : 0).Execute() == 1 ? true : throw Missing(runId),
        cancellationToken);

    public Task LogAsync(string runId, RunBatch batch, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            RequireActive(session, runId);
            foreach (var metric in batch.Metrics)
            {
                var isNaN = double.IsNaN(metric.Value);
                session[InsertMetricSql].Bind(1, runId).Bind(2, metric.Key).Bind(3, metric.Step).Bind(4, metric.TimestampMs)
                    .Bind(5, isNaN ? 0 : (double?)metric.Value).Bind(6, isNaN ? 1 : 0).Execute();
            }

            foreach (var (key, value) in batch.Params)
            {
                WriteParam(session, runId, key, value);
            }

            WriteTags(session, runId, batch.Tags);
            return true;
        },
        cancellationToken);

    public Task DeleteTagAsync(string runId, string key, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            RequireActive(session, runId);
            if (session[DeleteTagSql].Bind(1, runId).Bind(2, key).Execute() == 0)
            {
                throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No tag with name: {key} in run with id {runId}");
            }

            if (key == Run.NameTag)
            {
                session[UpdateSql].Bind(1, runId).Bind(2, string.Empty).Bind(3, (string?)null).Bind(4, (long?)null).Execute();
            }

            return true;
        },
        cancellationToken);

    public Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken)
    {
        RunSql.RequirePageSize(query);
        var filter = RunFilter.Parse(query.Filter);
        var orders = RunOrder.Parse(query.OrderBy);
        using var search = _database.OpenSearch(cancellationToken);
        var (parameters, functions) = (new SqlParameters(), new SearchFunctions());
        var conditions = new SqliteConditions(parameters, functions, search.Clock);
        var keyset = RunSql.Keyset(orders, conditions);
        var start = keyset.Start(query.PageToken, conditions);
        var select = $"""
            SELECT r.run_id, {keyset.Select} FROM runs r WHERE {RunSql.Where(query, filter, conditions)} AND {start.Condition}
            ORDER BY {keyset.OrderBy} LIMIT {parameters.Add(query.PageSize + 1)} OFFSET {parameters.Add(start.Offset)}
            """;
        return Task.FromResult(search.Run(connection =>
        {
            functions.Register(connection, search.Clock);
            var (ids, token) = KeysetPage.Read(connection, select, parameters, keyset, query.PageSize, reader => reader.GetString(0));
            return new RunPage(Read(connection, ids), token);
        }));
    }

    private static void WriteTags(SqliteWriteSession session, string runId, IReadOnlyDictionary<string, string> tags)
    {
        foreach (var (key, value) in tags)
        {
            session[UpsertTagSql].Bind(1, runId).Bind(2, key).Bind(3, value).Execute();
            if (key == Run.NameTag && value.Length > 0)
            {
                session[UpdateSql].Bind(1, runId).Bind(2, value).Bind(3, (string?)null).Bind(4, (long?)null).Execute();
            }
        }
    }

    private static void WriteParam(SqliteWriteSession session, string runId, string key, string value)
    {
        if (session[InsertParamSql].Bind(1, runId).Bind(2, key).Bind(3, value).Execute() == 1)
        {
            return;
        }

        var rows = session[SelectParamSql].Bind(1, runId).Bind(2, key);
        rows.Read();
        var old = rows.GetString(0);
        rows.Reset();
        if (old != value)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Changing param values is not allowed. Param with key='{key}' has the value '{old}' in run '{runId}'; the new one is '{value}'. Log it under another key.");
        }
    }

    private static void RequireActive(SqliteWriteSession session, string runId)
    {
        var rows = session[SelectStateSql].Bind(1, runId);
        if (!rows.Read())
        {
            throw Missing(runId);
        }

        var isActive = rows.GetInt64(0) != 0;
        rows.Reset();
        if (!isActive)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The run {runId} must be in the 'active' state. Current state is deleted.");
        }
    }

    private static MlflowException Missing(string runId) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Run with id={runId} not found");

    private static List<Run> Read(SqliteConnection connection, IReadOnlyList<string> runIds)
    {
        // One moment, even while the writer commits in between.
        using var transaction = connection.BeginTransaction(deferred: true);
        var ids = new { ids = System.Text.Json.JsonSerializer.Serialize(runIds) };
        var rows = connection.Query<RunRow>(SelectRunsSql, ids, transaction).ToDictionary(row => row.RunId);
        var tags = Pairs("run_tags");
        var parameters = Pairs("run_params");
        var metrics = connection.Query<MetricRow>(SelectLastMetricsSql, ids, transaction).ToLookup(row => row.RunId);
        return [.. runIds.Where(rows.ContainsKey).Select(id => rows[id]).Select(row => new Run
        {
            RunId = row.RunId,
            ExperimentId = row.ExperimentId,
            Name = row.Name,
            UserId = row.UserId,
            Status = Enum.Parse<RunStatus>(row.Status, ignoreCase: true),
            StartTimeMs = row.StartTimeMs,
            EndTimeMs = row.EndTimeMs,
            ArtifactUri = row.ArtifactUri,
            IsActive = row.IsActive != 0,
            Tags = tags[row.RunId].ToDictionary(pair => pair.Key, pair => pair.Value),
            Params = parameters[row.RunId].ToDictionary(pair => pair.Key, pair => pair.Value),
            Metrics = [.. metrics[row.RunId].Select(metric => new RunMetric(metric.Key, metric.IsNaN != 0 ? double.NaN : metric.Value, metric.TimestampMs, metric.Step))],
        })];

        ILookup<string, (string RunId, string Key, string Value)> Pairs(string table) => connection.Query<(string RunId, string Key, string Value)>(
            $"SELECT run_id, key, value FROM {table} WHERE run_id IN (SELECT value FROM json_each($ids))", ids, transaction).ToLookup(row => row.RunId);
    }

    private static string StatusText(RunStatus status) => status.ToString().ToUpperInvariant();

    private sealed record RunRow(string RunId, long ExperimentId, string Name, string UserId, string Status, long? StartTimeMs, long? EndTimeMs, string ArtifactUri, long IsActive);

    private sealed record MetricRow(string RunId, string Key, double Value, long IsNaN, long TimestampMs, long Step);
}
