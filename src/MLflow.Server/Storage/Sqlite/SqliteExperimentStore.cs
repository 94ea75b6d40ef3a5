using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Experiments;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Experiments in SQLite.</summary>
internal sealed class SqliteExperimentStore : IExperimentStore
{
    private const string Columns =
        "e.experiment_id AS ExperimentId, e.name AS Name, e.artifact_location AS ArtifactLocation, e.is_active AS IsActive, e.creation_time_ms AS CreationTimeMs, e.last_update_time_ms AS LastUpdateTimeMs";

    private const string InsertSql = """
        INSERT INTO experiments (name, artifact_location, creation_time_ms, last_update_time_ms) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT (name) DO NOTHING
        """;

    private const string LastIdSql = "SELECT last_insert_rowid()";

    private const string SetDefaultLocationSql = "UPDATE experiments SET artifact_location = 'mlflow-artifacts:/' || experiment_id WHERE experiment_id = ?1";

    private const string UpsertTagSql = """
        INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?1, ?2, ?3)
        ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value
        """;

    private const string DeleteTagSql = "DELETE FROM experiment_tags WHERE experiment_id = ?1 AND key = ?2";

    private const string RenameSql = "UPDATE OR IGNORE experiments SET name = ?2, last_update_time_ms = ?3 WHERE experiment_id = ?1";

    private const string SetActiveSql = "UPDATE experiments SET is_active = ?2, last_update_time_ms = ?3 WHERE experiment_id = ?1 AND is_active <> ?2";

    private readonly SqliteDatabase _database;

    public SqliteExperimentStore(SqliteDatabase database) => _database = database;

    public async Task<Experiment> CreateAsync(
        string name, string? artifactLocation, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken)
    {
        var experimentId = await _database.Writer.WriteAsync(session => Insert(session, name, artifactLocation, tags), cancellationToken).ConfigureAwait(false);
        return (await GetAsync(experimentId, cancellationToken).ConfigureAwait(false))!;
    }

    public Task<Experiment?> GetAsync(long experimentId, CancellationToken cancellationToken) => Task.FromResult(Single("e.experiment_id = $value", experimentId));

    public Task<Experiment?> GetByNameAsync(string name, CancellationToken cancellationToken) => Task.FromResult(Single("e.name = $value", name));

    public Task<ExperimentPage> SearchAsync(ExperimentQuery query, CancellationToken cancellationToken)
    {
        ExperimentSql.RequirePageSize(query);
        var filter = ExperimentFilter.Parse(query.Filter);
        var keyset = ExperimentSql.Keyset(ExperimentOrder.Parse(query.OrderBy));
        using var search = _database.OpenSearch(cancellationToken);
        var (parameters, functions) = (new SqlParameters(), new SearchFunctions());
        var conditions = new SqliteConditions(parameters, functions, search.Clock);
        var start = keyset.Start(query.PageToken, conditions);
        var select = $"""
            SELECT e.experiment_id, {keyset.Select} FROM experiments e WHERE {ExperimentSql.Where(query, filter, conditions)} AND {start.Condition}
            ORDER BY {keyset.OrderBy} LIMIT {parameters.Add(query.PageSize + 1)} OFFSET {parameters.Add(start.Offset)}
            """;
        return Task.FromResult(search.Run(connection =>
        {
            functions.Register(connection, search.Clock);
            var (ids, token) = KeysetPage.Read(connection, select, parameters, keyset, query.PageSize, reader => reader.GetInt64(0));
            var experiments = Read(connection, "e.experiment_id IN (SELECT value FROM json_each($value))", System.Text.Json.JsonSerializer.Serialize(ids)).ToDictionary(experiment => experiment.ExperimentId);
            return new ExperimentPage([.. ids.Where(experiments.ContainsKey).Select(id => experiments[id])], token);
        }));
    }

    public Task RenameAsync(long experimentId, string name, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            if (!ExperimentState.IsActive(session, experimentId))
            {
                throw new MlflowException(ErrorCode.INVALID_STATE, "Cannot rename a non-active experiment.");
            }

            return session[RenameSql].Bind(1, experimentId).Bind(2, name).Bind(3, session.NowMs).Execute() == 1
                ? true
                : throw NameIsTaken(name);
        },
        cancellationToken);

    public Task SetActiveAsync(long experimentId, bool isActive, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session => session[SetActiveSql].Bind(1, experimentId).Bind(2, isActive ? 1 : 0).Bind(3, session.NowMs).Execute() == 1
            ? true
            : throw ExperimentState.Unknown(experimentId),
        cancellationToken);

    public Task SetTagAsync(long experimentId, string key, string value, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            ExperimentState.RequireActive(session, experimentId);
            return session[UpsertTagSql].Bind(1, experimentId).Bind(2, key).Bind(3, value).Execute();
        },
        cancellationToken);

    public Task DeleteTagAsync(long experimentId, string key, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            ExperimentState.RequireActive(session, experimentId);
            return session[DeleteTagSql].Bind(1, experimentId).Bind(2, key).Execute() == 1
                ? true
                : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No tag with name: {key} in experiment with id {experimentId}");
        },
        cancellationToken);

    private static MlflowException NameIsTaken(string name) => new(
        ErrorCode.RESOURCE_ALREADY_EXISTS,
        $"Experiment(name={name}) already exists. Error: the name is taken, perhaps by a deleted experiment; choose another, or restore that one.");

    private static long Insert(SqliteWriteSession session, string name, string? artifactLocation, IReadOnlyDictionary<string, string> tags)
    {
        var now = session.NowMs;
        if (session[InsertSql].Bind(1, name).Bind(2, artifactLocation ?? string.Empty).Bind(3, now).Execute() == 0)
        {
            throw NameIsTaken(name);
        }

        var rows = session[LastIdSql];
        rows.Read();
        var experimentId = rows.GetInt64(0);
        rows.Reset();
        if (string.IsNullOrEmpty(artifactLocation))
        {
            session[SetDefaultLocationSql].Bind(1, experimentId).Execute();
        }

        foreach (var (key, value) in tags)
        {
            session[UpsertTagSql].Bind(1, experimentId).Bind(2, key).Bind(3, value).Execute();
        }

        return experimentId;
    }

    private Experiment? Single(string where, object value)
    {
        using var connection = _database.OpenRead();
        return Read(connection, where, value).SingleOrDefault();
    }

    private static List<Experiment> Read(SqliteConnection connection, string where, object value)
    {
        var rows = connection.Query<ExperimentRow>($"SELECT {Columns} FROM experiments e WHERE {where}", new { value }).AsList();
        var tags = connection.Query<(long ExperimentId, string Key, string Value)>(
            $"SELECT x.experiment_id, x.key, x.value FROM experiment_tags x JOIN experiments e ON e.experiment_id = x.experiment_id WHERE {where}", new { value })
            .ToLookup(tag => tag.ExperimentId);
        return rows.ConvertAll(row => new Experiment
        {
            ExperimentId = row.ExperimentId,
            Name = row.Name,
            ArtifactLocation = row.ArtifactLocation,
            IsActive = row.IsActive != 0,
            CreationTimeMs = row.CreationTimeMs,
            LastUpdateTimeMs = row.LastUpdateTimeMs,
            Tags = tags[row.ExperimentId].ToDictionary(tag => tag.Key, tag => tag.Value),
        });
    }

    private sealed record ExperimentRow(long ExperimentId, string Name, string ArtifactLocation, long IsActive, long CreationTimeMs, long LastUpdateTimeMs);
}
