namespace MLflow.Server.Storage.Sql;

/// <summary>Runs the statements of one analysis, which see the database as it was at one moment.</summary>
internal interface IFigureReader
{
    /// <summary>The rows of a statement.</summary>
    /// <param name="statement">Writes it, with what the database says in its own way.</param>
    /// <param name="read">Reads a row, which is gone afterwards.</param>
    Task<List<T>> ReadAsync<T>(Func<SqlFigures, string> statement, Func<IFigureRow, T> read);
}
