using Dapper;
using MLflow.Server.Views;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Saved views in SQLite.</summary>
internal sealed class SqliteViewStore : IViewStore
{
    private const string SelectSql = "SELECT name, query, saved_by FROM saved_views WHERE experiment_id = $experimentId ORDER BY name";

    private const string UpsertSql = """
        INSERT INTO saved_views (experiment_id, name, query, saved_by) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (experiment_id, name) DO UPDATE SET query = excluded.query, saved_by = excluded.saved_by
        """;

    private const string CountOthersSql = "SELECT COUNT(*) FROM saved_views WHERE experiment_id = ?1 AND name <> ?2";

    private const string DeleteSql = "DELETE FROM saved_views WHERE experiment_id = ?1 AND name = ?2";

    private readonly SqliteDatabase _database;

    public SqliteViewStore(SqliteDatabase database) => _database = database;

    public Task<IReadOnlyList<SavedView>> ListAsync(long experimentId, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult<IReadOnlyList<SavedView>>([.. connection.Query<(string Name, string Query, string? SavedBy)>(SelectSql, new { experimentId })
            .Select(row => new SavedView { ExperimentId = experimentId, Name = row.Name, Query = row.Query, SavedBy = row.SavedBy })]);
    }

    public Task SaveAsync(SavedView view, CancellationToken cancellationToken)
    {
        view.Require();
        return _database.Writer.WriteAsync(
            session =>
            {
                ExperimentState.RequireActive(session, view.ExperimentId);
                var count = session[CountOthersSql].Bind(1, view.ExperimentId).Bind(2, view.Name);
                count.Read();
                var others = count.GetInt64(0);
                count.Reset();
                if (others >= SavedView.MaxPerExperiment)
                {
                    throw SavedView.TooMany(view.ExperimentId);
                }

                return session[UpsertSql].Bind(1, view.ExperimentId).Bind(2, view.Name).Bind(3, view.Query).Bind(4, view.SavedBy).Execute();
            },
            cancellationToken);
    }

    public Task DeleteAsync(long experimentId, string name, CancellationToken cancellationToken) =>
        _database.Writer.WriteAsync(session => session[DeleteSql].Bind(1, experimentId).Bind(2, name).Execute(), cancellationToken);
}
