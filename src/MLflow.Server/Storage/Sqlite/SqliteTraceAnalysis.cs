using MLflow.Server.Storage.Rollups;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Figures over the traces in SQLite.</summary>
internal sealed class SqliteTraceAnalysis : SqlTraceAnalysis
{
    private readonly SqliteDatabase _database;

    /// <param name="database">The file.</param>
    /// <param name="rollupsFrom">Traces from which on an overview of a long time is put together from figures of hours.</param>
    public SqliteTraceAnalysis(SqliteDatabase database, int rollupsFrom = RollupPlan.DefaultFrom)
        : base(rollupsFrom) => _database = database;

    public override Task<FilterCounts> CountAsync(IReadOnlyList<long> experimentIds, string? baseFilter, string first, string second, CancellationToken cancellationToken)
    {
        var query = new TraceQuery { ExperimentIds = experimentIds };
        var filters = new[] { baseFilter, first, second }.Select(TraceFilter.Parse).ToList();
        using var search = _database.OpenSearch(cancellationToken);
        using var functions = new SearchFunctions(_database.SpanBlobs);
        var parameters = new SqlParameters();
        var select = CountSql(query, filters, new SqliteConditions(parameters, functions, search.Clock));
        return Task.FromResult(search.Run(connection =>
        {
            functions.Register(connection, search.Clock);
            using var command = connection.CreateCommand();
            command.CommandText = select;
            parameters.Bind(command);
            using var reader = command.ExecuteReader();
            reader.Read();
            return Counts(new SqliteRow(reader));
        }));
    }

    protected override Task<TraceHistogram> FilteredHistogramAsync(HistogramQuery query, CancellationToken cancellationToken)
    {
        var traces = new TraceQuery { ExperimentIds = [query.ExperimentId] };
        var filter = TraceFilter.Parse(query.Filter);
        using var search = _database.OpenSearch(cancellationToken);
        using var functions = new SearchFunctions();
        var parameters = new SqlParameters();
        var conditions = new SqliteConditions(parameters, functions, search.Clock);
        return Task.FromResult(search.Run(connection =>
        {
            using var transaction = connection.BeginTransaction(deferred: true);
            var where = new TraceSql(conditions).Where(traces, filter, new SqliteFewTraces(connection, search.Clock, functions).Condition(filter, conditions));
            functions.Register(connection, search.Clock);
            using var command = connection.CreateCommand();
            command.CommandText = HistogramSql(query, where, conditions);
            parameters.Bind(command);
            using var reader = command.ExecuteReader();
            var row = new SqliteRow(reader);
            var pieces = new List<(int, HistogramBucket)>();
            while (reader.Read())
            {
                pieces.Add(Piece(row));
            }

            return Histogram(pieces);
        }));
    }

    protected override async Task<T> SearchAsync<T>(Func<IFigureReader, Task<T>> read, CancellationToken cancellationToken)
    {
        using var search = _database.OpenSearch(cancellationToken);
        using var transaction = search.Run(connection =>
        {
            SqliteFigures.Register(connection);
            return connection.BeginTransaction(deferred: true);
        });
        return await read(new SqliteFigureReader(search)).ConfigureAwait(false);
    }
}
