using MLflow.Server.Storage.Rollups;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Reads figures as long as a search may take.</summary>
internal sealed class SqliteFigureReader : IFigureReader
{
    private readonly SqliteSearch _search;

    public SqliteFigureReader(SqliteSearch search) => _search = search;

    public Task<List<T>> ReadAsync<T>(Func<SqlFigures, string> statement, Func<IFigureRow, T> read) => Task.FromResult(_search.Run(connection =>
    {
        var figures = new SqliteFigures();
        using var command = connection.CreateCommand();
        command.CommandText = statement(figures);
        figures.Bind(command);
        using var reader = command.ExecuteReader();
        var row = new SqliteRow(reader);
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(row));
        }

        return rows;
    }));

    public Task<Overview?> RolledAsync(OverviewQuery query, int from, CancellationToken cancellationToken) => Task.FromResult(_search.Run(connection =>
    {
        if (!RollupPlan.Fits(query) || SqliteRollupRows.Count(connection, query, from) < from || SqliteRollupRows.Plan(connection, query) is not { IsOfLittleUse: false } plan)
        {
            return null;
        }

        foreach (var (start, end) in plan.Rest)
        {
            foreach (var trace in SqliteRollupRows.Traces(connection, query.ExperimentId, start, end))
            {
                _search.Clock.ThrowIfOver();
                plan.Add(trace);
            }

            foreach (var span in SqliteRollupRows.Spans(connection, query.ExperimentId, start, end))
            {
                _search.Clock.ThrowIfOver();
                plan.Add(span);
            }
        }

        return plan.ToOverview();
    }));
}
