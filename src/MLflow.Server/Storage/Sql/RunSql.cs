using MLflow.Server.Runs;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>Puts a search for runs into SQL over <c>runs r</c>.</summary>
internal static class RunSql
{
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a page cannot be of that size.</exception>
    public static void RequirePageSize(RunQuery query)
    {
        if (query.PageSize is < 1 or > RunQuery.MaxPageSize)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {query.PageSize} for parameter 'max_results' supplied. It must be 1 to {RunQuery.MaxPageSize}");
        }
    }

    public static string Where(RunQuery query, FilterTree<RunCondition> filter, SqlConditions conditions)
    {
        var stage = (query.IncludeActive, query.IncludeDeleted) switch
        {
            (true, true) => "TRUE",
            (true, false) => "r.is_active = 1",
            (false, true) => "r.is_active = 0",
            _ => "FALSE",
        };
        return $"{conditions.In("r.experiment_id", query.ExperimentIds)} AND {stage} AND {SqlConditions.Join(filter, condition => Condition(condition, conditions))}";
    }

    public static Keyset Keyset(IReadOnlyList<RunOrder> orders, SqlConditions conditions) => new([.. orders.Select(order => new KeysetColumn(
        order.Key is null ? order.Field.ToString() : $"{order.Field}.{order.Key}",
        Expression(order.Field, order.Key, conditions),
        order.Descending,
        order.Field is RunField.StartTime or RunField.EndTime or RunField.Tag or RunField.Param))]);

    public static string Condition(RunCondition condition, SqlConditions conditions) =>
        conditions.Compare(Expression(condition.Field, condition.Key, conditions), condition.Operator, condition.Values);

    public static string Expression(RunField field, string? key, SqlConditions conditions) => field switch
    {
        RunField.RunId => "r.run_id",
        RunField.Name => "r.name",
        RunField.UserId => "r.user_id",
        RunField.Status => "r.status",
        RunField.ArtifactUri => "r.artifact_uri",
        RunField.StartTime => "r.start_time_ms",
        RunField.EndTime => "r.end_time_ms",
        RunField.Tag => $"(SELECT x.value FROM run_tags x WHERE x.run_id = r.run_id AND x.key = {conditions.Value(key)})",
        RunField.Param => $"(SELECT x.value FROM run_params x WHERE x.run_id = r.run_id AND x.key = {conditions.Value(key)})",
        RunField.Metric =>
            $"(SELECT CASE WHEN x.is_nan = 1 THEN NULL ELSE x.value END FROM run_metrics x WHERE x.run_id = r.run_id AND x.key = {conditions.Value(key)} ORDER BY x.step DESC, x.timestamp_ms DESC, x.value DESC LIMIT 1)",
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };
}
