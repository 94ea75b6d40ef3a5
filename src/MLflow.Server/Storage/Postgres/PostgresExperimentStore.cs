using MLflow.Server.Experiments;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Experiments in PostgreSQL.</summary>
internal sealed class PostgresExperimentStore : IExperimentStore
{
    private const string SelectByIdSql = SelectSql + " WHERE e.experiment_id = ANY($1)";

    private const string SelectByNameSql = SelectSql + " WHERE e.name = $1";

    private const string SelectSql = "SELECT e.experiment_id, e.name, e.artifact_location, e.is_active, e.creation_time_ms, e.last_update_time_ms FROM experiments e";

    private const string SelectTagsSql = "SELECT experiment_id, key, value FROM experiment_tags WHERE experiment_id = ANY($1)";

    private const string InsertSql = """
        INSERT INTO experiments (name, artifact_location, creation_time_ms, last_update_time_ms) VALUES ($1, $2, $3, $3)
        ON CONFLICT (name) DO NOTHING
        RETURNING experiment_id
        """;

    private const string SetDefaultLocationSql = "UPDATE experiments SET artifact_location = 'mlflow-artifacts:/' || experiment_id WHERE experiment_id = $1";

    private const string UpsertTagSql = """
        INSERT INTO experiment_tags (experiment_id, key, value) VALUES ($1, $2, $3)
        ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value
        """;

    private const string DeleteTagSql = "DELETE FROM experiment_tags WHERE experiment_id = $1 AND key = $2";

    private const string RenameSql = """
        UPDATE experiments SET name = $2, last_update_time_ms = $3 WHERE experiment_id = $1 AND NOT EXISTS (SELECT 1 FROM experiments o WHERE o.name = $2 AND o.experiment_id <> $1)
        """;

    private const string SetActiveSql = "UPDATE experiments SET is_active = $2, last_update_time_ms = $3 WHERE experiment_id = $1 AND is_active <> $2";

    private readonly PostgresDatabase _database;

    public PostgresExperimentStore(PostgresDatabase database) => _database = database;

    public Task<Experiment> CreateAsync(string name, string? artifactLocation, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            var experimentId = await InsertAsync(session, name, artifactLocation, tags).ConfigureAwait(false);
            return (await ReadAsync(session, SelectByIdSql, (long[])[experimentId]).ConfigureAwait(false))[0];
        },
        isIdempotent: false,
        cancellationToken);

    public async Task<Experiment?> GetAsync(long experimentId, CancellationToken cancellationToken) =>
        (await _database.ReadAsync(session => ReadAsync(session, SelectByIdSql, (long[])[experimentId]), cancellationToken).ConfigureAwait(false)).SingleOrDefault();

    public async Task<Experiment?> GetByNameAsync(string name, CancellationToken cancellationToken) =>
        (await _database.ReadAsync(session => ReadAsync(session, SelectByNameSql, name), cancellationToken).ConfigureAwait(false)).SingleOrDefault();

    public Task<ExperimentPage> SearchAsync(ExperimentQuery query, CancellationToken cancellationToken)
    {
        ExperimentSql.RequirePageSize(query);
        var filter = ExperimentFilter.Parse(query.Filter);
        var keyset = ExperimentSql.Keyset(ExperimentOrder.Parse(query.OrderBy));
        return _database.SearchAsync(
            async (session, clock) =>
            {
                var found = await PostgresTextCandidates.FindAsync(session, clock, query.PageToken, query.PageSize + 1, conditions =>
                {
                    var candidates = new CandidateFilter<ExperimentCondition>(
                        filter, condition => PostgresTextSearch<ExperimentCondition>.Reach(condition.Operator), _ => false, condition => Leaf(condition, conditions, clock), isInWhere: true);
                    return new PostgresTextSearch<ExperimentCondition>("e.experiment_id", "experiments e", ExperimentSql.Where(query, candidates.Superset, conditions), keyset, candidates);
                }).ConfigureAwait(false);
                string? token = null;
                if (found.Count > query.PageSize)
                {
                    found.RemoveAt(query.PageSize);
                    token = keyset.Token(found[^1].Keys);
                }

                var experiments = (await ReadAsync(session, SelectByIdSql, found.Select(row => (long)row.Id).ToArray()).ConfigureAwait(false)).ToDictionary(experiment => experiment.ExperimentId);
                return new ExperimentPage([.. found.Select(row => experiments[(long)row.Id])], token);
            },
            cancellationToken);
    }

    public Task RenameAsync(long experimentId, string name, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            if (!await ExperimentState.IsActiveAsync(session, experimentId).ConfigureAwait(false))
            {
                throw new MlflowException(ErrorCode.INVALID_STATE, "Cannot rename a non-active experiment.");
            }

            try
            {
                return await session.ExecuteAsync(RenameSql, experimentId, name, session.NowMs).ConfigureAwait(false) == 1 ? true : throw NameIsTaken(name);
            }
            catch (Npgsql.PostgresException e) when (e.SqlState == Npgsql.PostgresErrorCodes.UniqueViolation)
            {
                // By another one at the same moment.
                throw NameIsTaken(name);
            }
        },
        isIdempotent: true,
        cancellationToken);

    public Task SetActiveAsync(long experimentId, bool isActive, CancellationToken cancellationToken) => _database.WriteAsync(
        async session => await session.ExecuteAsync(SetActiveSql, experimentId, isActive ? 1 : 0, session.NowMs).ConfigureAwait(false) == 1 ? true : throw ExperimentState.Unknown(experimentId),
        isIdempotent: false,
        cancellationToken);

    public Task SetTagAsync(long experimentId, string key, string value, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await ExperimentState.RequireActiveAsync(session, experimentId).ConfigureAwait(false);
            return await session.ExecuteAsync(UpsertTagSql, experimentId, key, value).ConfigureAwait(false);
        },
        isIdempotent: true,
        cancellationToken);

    public Task DeleteTagAsync(long experimentId, string key, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await ExperimentState.RequireActiveAsync(session, experimentId).ConfigureAwait(false);
            return await session.ExecuteAsync(DeleteTagSql, experimentId, key).ConfigureAwait(false) == 1
                ? true
                : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No tag with name: {key} in experiment with id {experimentId}");
        },
        isIdempotent: false,
        cancellationToken);

    private static CandidateLeaf Leaf(ExperimentCondition condition, PostgresConditions conditions, SearchClock clock) =>
        PostgresTextSearch<ExperimentCondition>.Reach(condition.Operator) == SqlReach.Exact
            ? new CandidateLeaf { Sql = ExperimentSql.Condition(condition, conditions) }
            : new CandidateLeaf
            {
                Texts = condition.Field == ExperimentField.Tag
                    ? $"ARRAY(SELECT x.value FROM experiment_tags x WHERE x.experiment_id = e.experiment_id AND x.key = {conditions.Value(condition.Key)})"
                    : $"ARRAY[{ExperimentSql.Column(condition.Field)}]",
                Matches = TextMatch.Create(condition.Operator, (string)condition.Value, clock),
            };

    private static MlflowException NameIsTaken(string name) => new(
        ErrorCode.RESOURCE_ALREADY_EXISTS,
        $"Experiment(name={name}) already exists. Error: the name is taken, perhaps by a deleted experiment; choose another, or restore that one.");

    private static async Task<long> InsertAsync(PostgresSession session, string name, string? artifactLocation, IReadOnlyDictionary<string, string> tags)
    {
        var inserted = await session.QueryAsync(InsertSql, row => row.Int64(0), name, artifactLocation ?? string.Empty, session.NowMs).ConfigureAwait(false);
        if (inserted.Count == 0)
        {
            throw NameIsTaken(name);
        }

        if (string.IsNullOrEmpty(artifactLocation))
        {
            await session.ExecuteAsync(SetDefaultLocationSql, inserted[0]).ConfigureAwait(false);
        }

        foreach (var (key, value) in tags)
        {
            await session.ExecuteAsync(UpsertTagSql, inserted[0], key, value).ConfigureAwait(false);
        }

        return inserted[0];
    }

    private static async Task<List<Experiment>> ReadAsync(PostgresSession session, string sql, PostgresValue value)
    {
        var rows = await session.QueryAsync(
            sql,
            row => new Experiment
            {
                ExperimentId = row.Int64(0),
                Name = row.Text(1),
                ArtifactLocation = row.Text(2),
                IsActive = row.Int64(3) != 0,
                CreationTimeMs = row.Int64(4),
                LastUpdateTimeMs = row.Int64(5),
                Tags = new Dictionary<string, string>(),
            },
            value).ConfigureAwait(false);
        var tags = (await session.QueryAsync(SelectTagsSql, row => (Id: row.Int64(0), Key: row.Text(1), Value: row.Text(2)), rows.Select(row => row.ExperimentId).ToArray()).ConfigureAwait(false))
            .ToLookup(tag => tag.Id);
        return rows.ConvertAll(row => row with { Tags = tags[row.ExperimentId].ToDictionary(tag => tag.Key, tag => tag.Value) });
    }
}
