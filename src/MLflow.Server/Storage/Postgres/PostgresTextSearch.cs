using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <param name="Id">The column that names a row.</param>
/// <param name="From">The table.</param>
/// <param name="Where">Holds for all rows that match.</param>
/// <param name="Keyset">The order.</param>
/// <param name="Filter">What else must hold.</param>
internal sealed record PostgresTextSearch<T>(string Id, string From, string Where, Keyset Keyset, CandidateFilter<T> Filter)
{
    /// <summary>How far SQL can tell a condition on a text with this operator.</summary>
    public static SqlReach Reach(FilterOperator @operator) => @operator switch
    {
        FilterOperator.Like => SqlReach.Superset,
        FilterOperator.ILike or FilterOperator.RLike => SqlReach.None,
        _ => SqlReach.Exact,
    };
}
