using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Finds out from which traces a search can begin, in the search's snapshot.</summary>
internal static class PostgresFewTraces
{
    // However many rows an index has for a value, no more of them than the limit are read.
    private const string BeginSql = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)";

    private const string EndSql = "SELECT set_config('enable_seqscan', 'on', true), set_config('enable_bitmapscan', 'on', true)";

    /// <returns>The few traces for which the filter may hold; null where they are many, or no index can tell.</returns>
    public static async Task<IReadOnlyCollection<string>?> FindAsync(PostgresSession session, SearchClock clock, FilterTree<TraceCondition> filter)
    {
        // What must be there and has an index is joined by the planner, which knows how many traces have it.
        var unplanned = filter.Kind == FilterTreeKind.All ? FilterTree<TraceCondition>.All([.. filter.Children.Where(child => !IsPlanned(child))]) : filter;
        if (TraceSql.NamesFew(filter) || IsPlanned(unplanned))
        {
            return null;
        }

        var isAsked = false;
        var few = await new FewTraces(async condition =>
        {
            var parameters = new PostgresParameters();
            var lookups = TraceLookups.Of(condition, new PostgresConditions(parameters, clock));
            if (lookups.Count > 0 && !isAsked)
            {
                isAsked = true;
                await session.ExecuteAsync(BeginSql).ConfigureAwait(false);
            }

            return lookups.Count == 0 ? null : await FindAsync(session, clock, lookups, parameters).ConfigureAwait(false);
        }).OfAsync(unplanned).ConfigureAwait(false);
        if (isAsked)
        {
            await session.ExecuteAsync(EndSql).ConfigureAwait(false);
        }

        return few;
    }

    private static bool IsPlanned(FilterTree<TraceCondition> tree) =>
        tree is { Kind: FilterTreeKind.Condition, Condition: { Operator: FilterOperator.Equal, Field: TraceField.Tag or TraceField.Metadata or TraceField.State } };

    private static async Task<IReadOnlyCollection<string>?> FindAsync(PostgresSession session, SearchClock clock, IReadOnlyList<string> lookups, PostgresParameters parameters)
    {
        var limit = parameters.Add(FewTraces.Max + 1L);
        var found = new HashSet<string>();
        foreach (var lookup in lookups)
        {
            clock.ThrowIfOver();
            var rows = await session.QueryAsync($"{lookup} LIMIT {limit}", row => row.Text(0), [.. parameters.Values]).ConfigureAwait(false);
            found.UnionWith(rows);
            if (rows.Count > FewTraces.Max || found.Count > FewTraces.Max)
            {
                return null;
            }
        }

        return found;
    }
}
