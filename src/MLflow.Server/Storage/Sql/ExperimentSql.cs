using MLflow.Server.Experiments;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>Puts an experiment search into SQL over <c>experiments e</c>.</summary>
internal static class ExperimentSql
{
    private const int MaxPageSize = 50_000;

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a page cannot be of that size.</exception>
    public static void RequirePageSize(ExperimentQuery query)
    {
        if (query.PageSize is < 1 or > MaxPageSize)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid value {query.PageSize} for parameter 'max_results' supplied. It must be {(query.PageSize < 1 ? "a positive integer" : $"at most {MaxPageSize}")}");
        }
    }

    public static string Where(ExperimentQuery query, FilterTree<ExperimentCondition> filter, SqlConditions conditions)
    {
        var stage = (query.IncludeActive, query.IncludeDeleted) switch
        {
            (true, true) => "TRUE",
            (true, false) => "e.is_active = 1",
            (false, true) => "e.is_active = 0",
            _ => "FALSE",
        };
        var among = query.Among is not { } set ? "TRUE"
            : set.IsAllBut ? SqlConditions.Not(conditions.In("e.experiment_id", [.. set.Ids]))
            : conditions.In("e.experiment_id", [.. set.Ids]);
        return $"{stage} AND {among} AND {SqlConditions.Join(filter, condition => Condition(condition, conditions))}";
    }

    public static Keyset Keyset(IReadOnlyList<ExperimentOrder> orders) =>
        new([.. orders.Select(order => new KeysetColumn(order.Field.ToString(), Column(order.Field), order.Descending, Nullable: false))]);

    public static string Condition(ExperimentCondition condition, SqlConditions conditions) => condition.Field == ExperimentField.Tag
        ? $"EXISTS (SELECT 1 FROM experiment_tags x WHERE x.experiment_id = e.experiment_id AND x.key = {conditions.Value(condition.Key)} "
            + $"AND {conditions.Compare("x.value", condition.Operator, [condition.Value])})"
        : conditions.Compare(Column(condition.Field), condition.Operator, [condition.Value]);

    public static string Column(ExperimentField field) => field switch
    {
        ExperimentField.ExperimentId => "e.experiment_id",
        ExperimentField.Name => "e.name",
        ExperimentField.CreationTime => "e.creation_time_ms",
        ExperimentField.LastUpdateTime => "e.last_update_time_ms",
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };
}
