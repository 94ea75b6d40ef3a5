using MLflow.Server.Storage.Rollups;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Reads figures in the transaction of a session.</summary>
internal sealed class PostgresFigureReader : IFigureReader
{
    private readonly PostgresSession _session;
    private readonly SearchClock _clock;

    public PostgresFigureReader(PostgresSession session, SearchClock clock)
    {
        _session = session;
        _clock = clock;
    }

    public Task<List<T>> ReadAsync<T>(Func<SqlFigures, string> statement, Func<IFigureRow, T> read)
    {
        var figures = new PostgresFigures();
        var sql = statement(figures);
        return _session.QueryAsync(sql, row => read(row), figures.Values);
    }

    public async Task<Overview?> RolledAsync(OverviewQuery query, int from, CancellationToken cancellationToken)
    {
        if (!RollupPlan.Fits(query) || await PostgresRollupRows.CountAsync(_session, query, from).ConfigureAwait(false) < from
            || await PostgresRollupRows.PlanAsync(_session, query).ConfigureAwait(false) is not { IsOfLittleUse: false } plan)
        {
            return null;
        }

        foreach (var (start, end) in plan.Rest)
        {
            _clock.ThrowIfOver();
            await PostgresRollupRows.ReadAsync(_session, query.ExperimentId, start, end, plan.Add, plan.Add, cancellationToken).ConfigureAwait(false);
        }

        return plan.ToOverview();
    }
}
