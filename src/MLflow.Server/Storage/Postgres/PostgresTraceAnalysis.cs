using MLflow.Server.Storage.Rollups;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Figures over the traces in PostgreSQL.</summary>
internal sealed class PostgresTraceAnalysis : SqlTraceAnalysis
{
    private readonly PostgresDatabase _database;

    /// <param name="database">The database.</param>
    /// <param name="rollupsFrom">Traces from which on an overview of a long time is put together from figures of hours.</param>
    public PostgresTraceAnalysis(PostgresDatabase database, int rollupsFrom = RollupPlan.DefaultFrom)
        : base(rollupsFrom) => _database = database;

    public override Task<FilterCounts> CountAsync(IReadOnlyList<long> experimentIds, string? baseFilter, string first, string second, CancellationToken cancellationToken)
    {
        var query = new TraceQuery { ExperimentIds = experimentIds };
        var filters = new[] { baseFilter, first, second }.Select(TraceFilter.Parse).ToList();
        return _database.SearchAsync(
            async (session, clock) =>
            {
                if (filters.TrueForAll(TraceCandidates.IsExact))
                {
                    clock.ThrowIfOver();
                    var parameters = new PostgresParameters();
                    var select = CountSql(query, filters, new PostgresConditions(parameters, clock));
                    return (await session.QueryAsync(select, row => Counts(row), parameters.Values).ConfigureAwait(false))[0];
                }

                var counts = new FilterCounts(0, 0, 0, 0);
                var found = new TraceCandidates(session, clock).FindAsync(query, filters[0], TraceOrder.Parse([]), filters[1..], int.MaxValue, cancellationToken);
                await foreach (var (_, _, others) in found.ConfigureAwait(false))
                {
                    counts = new FilterCounts(counts.Total + 1, counts.First + (others[0] ? 1 : 0), counts.Second + (others[1] ? 1 : 0), counts.Joint + (others[0] && others[1] ? 1 : 0));
                }

                return counts;
            },
            cancellationToken);
    }

    protected override Task<TraceHistogram> FilteredHistogramAsync(HistogramQuery query, CancellationToken cancellationToken)
    {
        var traces = new TraceQuery { ExperimentIds = [query.ExperimentId] };
        var filter = TraceFilter.Parse(query.Filter);
        return _database.SearchAsync(
            async (session, clock) =>
            {
                if (TraceCandidates.IsExact(filter))
                {
                    clock.ThrowIfOver();
                    var few = await PostgresFewTraces.FindAsync(session, clock, filter).ConfigureAwait(false);
                    var parameters = new PostgresParameters();
                    var conditions = new PostgresConditions(parameters, clock);
                    var select = HistogramSql(query, new TraceSql(conditions).Where(traces, filter, few is null ? null : conditions.In("t.trace_id", few)), conditions);
                    return Histogram(await session.QueryAsync(select, row => Piece(row), parameters.Values).ConfigureAwait(false));
                }

                // Within the time only, and each trace tells by a second filter whether it failed.
                var inTime = TraceFilter.Parse(FilterText.And(FilterText.And(query.Filter, $"timestamp_ms >= {query.StartMs}"), $"timestamp_ms < {query.EndMs}"));
                var counts = new Dictionary<int, HistogramBucket>();
                var found = new TraceCandidates(session, clock).FindAsync(traces, inTime, TraceOrder.Parse([]), [TraceFilter.Parse("status = 'ERROR'")], int.MaxValue, cancellationToken);
                await foreach (var (_, keys, others) in found.ConfigureAwait(false))
                {
                    var piece = (int)(((long)keys[0]! - query.StartMs) / query.BucketMs);
                    var bucket = counts.GetValueOrDefault(piece);
                    counts[piece] = new HistogramBucket(bucket.Traces + 1, bucket.Failed + (others[0] ? 1 : 0));
                }

                return Histogram(counts.Select(bucket => (bucket.Key, bucket.Value)));
            },
            cancellationToken);
    }

    protected override Task<T> SearchAsync<T>(Func<IFigureReader, Task<T>> read, CancellationToken cancellationToken) => _database.SearchAsync(
        (session, clock) =>
        {
            clock.ThrowIfOver();
            return read(new PostgresFigureReader(session, clock));
        },
        cancellationToken);
}
