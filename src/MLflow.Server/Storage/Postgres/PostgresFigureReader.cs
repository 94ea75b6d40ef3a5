using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Reads figures in the transaction of a session.</summary>
internal sealed class PostgresFigureReader : IFigureReader
{
    private readonly PostgresSession _session;

    public PostgresFigureReader(PostgresSession session) => _session = session;

    public Task<List<T>> ReadAsync<T>(Func<SqlFigures, string> statement, Func<IFigureRow, T> read)
    {
        var figures = new PostgresFigures();
        var sql = statement(figures);
        return _session.QueryAsync(sql, row => read(row), figures.Values);
    }
}
