using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sql;

/// <summary>Runs the statements of one analysis, which see the database as it was at one moment.</summary>
internal interface IFigureReader
{
    /// <summary>The rows of a statement.</summary>
    /// <param name="statement">Writes it, with what the database says in its own way.</param>
    /// <param name="read">Reads a row, which is gone afterwards.</param>
    Task<List<T>> ReadAsync<T>(Func<SqlFigures, string> statement, Func<IFigureRow, T> read);

    /// <summary>An overview from the figures of hours, without the worst of its pieces. Null where the traces themselves shall be read.</summary>
    /// <param name="query">Of which time.</param>
    /// <param name="from">Traces from which on that is worth it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<Overview?> RolledAsync(OverviewQuery query, int from, CancellationToken cancellationToken);
}
