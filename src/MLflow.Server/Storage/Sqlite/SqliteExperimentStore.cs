using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Experiments;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Experiments in SQLite.</summary>
internal sealed class SqliteExperimentStore : IExperimentStore
{
    private const int MaxPageSize = 50_000;

    private const string Columns =
        "e.experiment_id AS ExperimentId, e.name AS Name, e.artifact_location AS ArtifactLocation, e.is_active AS IsActive, e.creation_time_ms AS CreationTimeMs, e.last_update_time_ms AS LastUpdateTimeMs";

    private const string InsertSql = """
        INSERT INTO experiments (name, artifact_location, creation_time_ms, last_update_time_ms) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT (name) DO NOTHING
        """;

    private const string LastIdSql = "SELECT last_insert_rowid()";

    private const string SetDefaultLocationSql = "UPDATE experiments SET artifact_location = 'mlflow-artifacts:/' || experiment_id WHERE experiment_id = ?1";

    private const string InsertTagSql = "INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?1, ?2, ?3)";

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
        if (query.PageSize < 1)
        {
            throw Invalid($"Invalid value {query.PageSize} for parameter 'max_results' supplied. It must be a positive integer");
        }

        if (query.PageSize > MaxPageSize)
        {
            throw Invalid($"Invalid value {query.PageSize} for parameter 'max_results' supplied. It must be at most {MaxPageSize}");
        }

        var parameters = new SqlParameters();
        var conditions = ExperimentFilter.Parse(query.Filter);
        var keyset = ExperimentSql.Keyset(ExperimentOrder.Parse(query.OrderBy));
        var where = ExperimentSql.Where(query, conditions, parameters);
        if (!string.IsNullOrEmpty(query.PageToken))
        {
            where += " AND " + keyset.After(query.PageToken, parameters);
        }

        using var connection = _database.OpenRead();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT e.experiment_id, {keyset.Select} FROM experiments e WHERE {where} ORDER BY {keyset.OrderBy} LIMIT {parameters.Add(query.PageSize + 1)}";
        parameters.Bind(command);
        var rows = new List<(long Id, object[] Keys)>();
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                rows.Add((reader.GetInt64(0), [.. Enumerable.Range(1, keyset.Count).Select(reader.GetValue)]));
            }
        }

        string? token = null;
        if (rows.Count > query.PageSize)
        {
            rows.RemoveAt(query.PageSize);
            token = keyset.Token(rows[^1].Keys);
        }

        var ids = System.Text.Json.JsonSerializer.Serialize(rows.Select(row => row.Id));
        var experiments = Read(connection, "e.experiment_id IN (SELECT value FROM json_each($value))", ids).ToDictionary(experiment => experiment.ExperimentId);
        return Task.FromResult(new ExperimentPage([.. rows.Where(row => experiments.ContainsKey(row.Id)).Select(row => experiments[row.Id])], token));
    }

    private static long Insert(SqliteWriteSession session, string name, string? artifactLocation, IReadOnlyDictionary<string, string> tags)
    {
        var now = session.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        if (session[InsertSql].Bind(1, name).Bind(2, artifactLocation ?? string.Empty).Bind(3, now).Execute() == 0)
        {
            throw new MlflowException(
                ErrorCode.RESOURCE_ALREADY_EXISTS,
                $"Experiment(name={name}) already exists. Error: the name is taken, perhaps by a deleted experiment; choose another, or restore that one.");
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
            session[InsertTagSql].Bind(1, experimentId).Bind(2, key).Bind(3, value).Execute();
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

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);

    private sealed record ExperimentRow(long ExperimentId, string Name, string ArtifactLocation, long IsActive, long CreationTimeMs, long LastUpdateTimeMs);
}
