using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Finds out from which traces a search can begin, in the search's transaction.</summary>
internal sealed class SqliteFewTraces
{
    /// <summary>The highest row number, which is found without counting.</summary>
    private const string CountTracesSql = "SELECT COALESCE(MAX(rowid), 0) FROM traces";

    /// <summary>Traces that are passed over in the time in which one is fetched by its id and sorted in.</summary>
    private const double FetchCost = 8;

    private readonly SqliteConnection _connection;
    private readonly SearchClock _clock;
    private readonly SearchFunctions _functions;

    public SqliteFewTraces(SqliteConnection connection, SearchClock clock, SearchFunctions functions)
    {
        _connection = connection;
        _clock = clock;
        _functions = functions;
    }

    /// <summary>The condition that trace <c>t</c> is one of the few for which the filter may hold; null where they are many, or no index can tell.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="conditions">Those of the search.</param>
    /// <param name="wanted">After how many traces a search that goes through all of them ends; null where it does not.</param>
    public string? Condition(FilterTree<TraceCondition> filter, SqliteConditions conditions, int? wanted = null)
    {
        // Nothing waits here: SQLite answers on this thread.
        var few = TraceSql.NamesFew(filter) ? null : FindAsync(filter, wanted).GetAwaiter().GetResult();
        conditions.IsGuarded = few is null;
        return few is null ? _functions.Places(_connection, _clock).Few(filter, conditions) : conditions.In("t.trace_id", few);
    }

    private Task<IReadOnlyCollection<string>?> FindAsync(FilterTree<TraceCondition> filter, int? wanted)
    {
        var max = new Lazy<int>(() => Max(wanted));
        return new FewTraces(condition => Task.FromResult<IReadOnlyCollection<string>?>(Find(condition, max))).OfAsync(filter);
    }

    /// <summary>Of so many among all traces, those that are wanted are found as soon by going through the traces.</summary>
    private int Max(int? wanted)
    {
        if (wanted is null)
        {
            return FewTraces.Max;
        }

        using var command = _connection.CreateCommand();
        command.CommandText = CountTracesSql;
        return (int)Math.Min(FewTraces.Max, Math.Sqrt((long)command.ExecuteScalar()! * wanted.Value / FetchCost));
    }

    private HashSet<string>? Find(TraceCondition condition, Lazy<int> max)
    {
        var parameters = new SqlParameters();
        var found = new HashSet<string>();
        var lookups = TraceLookups.Of(condition, new SqliteConditions(parameters, _functions, _clock));
        foreach (var lookup in lookups)
        {
            // Where they are many, no row but one is read.
            using var command = _connection.CreateCommand();
            parameters.Bind(command);
            command.CommandText = $"{lookup} LIMIT 1 OFFSET {max.Value}";
            if (command.ExecuteScalar() is not null)
            {
                return null;
            }

            command.CommandText = lookup;
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                found.Add(reader.GetString(0));
            }

            if (found.Count > max.Value)
            {
                return null;
            }
        }

        return lookups.Count == 0 ? null : found;
    }
}
