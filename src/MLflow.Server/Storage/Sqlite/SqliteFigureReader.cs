using MLflow.Server.Storage.Sql;

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
}
