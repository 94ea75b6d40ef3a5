using MLflow.Server.Views;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Saved views in PostgreSQL.</summary>
internal sealed class PostgresViewStore : IViewStore
{
    private const string SelectSql = "SELECT name, query, saved_by FROM saved_views WHERE experiment_id = $1 ORDER BY name";

    private const string UpsertSql = """
        INSERT INTO saved_views (experiment_id, name, query, saved_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (experiment_id, name) DO UPDATE SET query = excluded.query, saved_by = excluded.saved_by
        """;

    private const string CountOthersSql = "SELECT COUNT(*) FROM saved_views WHERE experiment_id = $1 AND name <> $2";

    private const string DeleteSql = "DELETE FROM saved_views WHERE experiment_id = $1 AND name = $2";

    private readonly PostgresDatabase _database;

    public PostgresViewStore(PostgresDatabase database) => _database = database;

    public async Task<IReadOnlyList<SavedView>> ListAsync(long experimentId, CancellationToken cancellationToken) => await _database.ReadAsync(
        session => session.QueryAsync(SelectSql, row => new SavedView { ExperimentId = experimentId, Name = row.Text(0), Query = row.Text(1), SavedBy = row.TextOrNull(2) }, experimentId),
        cancellationToken).ConfigureAwait(false);

    public Task SaveAsync(SavedView view, CancellationToken cancellationToken)
    {
        view.Require();
        return _database.WriteAsync(
            async session =>
            {
                await ExperimentState.RequireActiveAsync(session, view.ExperimentId).ConfigureAwait(false);
                if ((await session.QueryAsync(CountOthersSql, row => row.Int64(0), view.ExperimentId, view.Name).ConfigureAwait(false))[0] >= SavedView.MaxPerExperiment)
                {
                    throw SavedView.TooMany(view.ExperimentId);
                }

                return await session.ExecuteAsync(UpsertSql, view.ExperimentId, view.Name, view.Query, view.SavedBy).ConfigureAwait(false);
            },
            isIdempotent: true,
            cancellationToken);
    }

    public Task DeleteAsync(long experimentId, string name, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => session.ExecuteAsync(DeleteSql, experimentId, name), isIdempotent: true, cancellationToken);
}
