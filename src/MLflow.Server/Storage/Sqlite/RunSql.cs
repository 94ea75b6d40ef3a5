using MLflow.Server.Runs;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Puts a search for runs into SQL over <c>runs r</c>.</summary>
internal static class RunSql
{
    public static string Where(RunQuery query, IReadOnlyList<RunCondition> conditions, SqlParameters parameters)
    {
        var clauses = new List<string>
        {
            $"r.experiment_id IN (SELECT value FROM json_each({parameters.Add(System.Text.Json.JsonSerializer.Serialize(query.ExperimentIds))}))",
            (query.IncludeActive, query.IncludeDeleted) switch
            {
                (true, true) => "1",
                (true, false) => "r.is_active = 1",
                (false, true) => "r.is_active = 0",
                _ => "0",
            },
        };
        clauses.AddRange(conditions.Select(condition => Condition(condition, parameters)));
        return string.Join(" AND ", clauses);
    }

    public static Keyset Keyset(IReadOnlyList<RunOrder> orders, SqlParameters parameters) => new([.. orders.Select(order => new KeysetColumn(
        order.Key is null ? order.Field.ToString() : $"{order.Field}.{order.Key}",
        Expression(order.Field, order.Key, parameters),
        order.Descending,
        order.Field is RunField.StartTime or RunField.EndTime or RunField.Tag or RunField.Param))]);

    private static string Condition(RunCondition condition, SqlParameters parameters) =>
        SqlConditions.Compare(Expression(condition.Field, condition.Key, parameters), condition.Operator, condition.Values, parameters);

    private static string Expression(RunField field, string? key, SqlParameters parameters) => field switch
    {
        RunField.RunId => "r.run_id",
        RunField.Name => "r.name",
        RunField.UserId => "r.user_id",
        RunField.Status => "r.status",
        RunField.ArtifactUri => "r.artifact_uri",
        RunField.StartTime => "r.start_time_ms",
        RunField.EndTime => "r.end_time_ms",
        RunField.Tag => $"(SELECT x.value FROM run_tags x WHERE x.run_id = r.run_id AND x.key = {parameters.Add(key)})",
        RunField.Param => $"(SELECT x.value FROM run_params x WHERE x.run_id = r.run_id AND x.key = {parameters.Add(key)})",
        RunField.Metric =>
            $"(SELECT CASE WHEN x.is_nan THEN NULL ELSE x.value END FROM run_metrics x WHERE x.run_id = r.run_id AND x.key = {parameters.Add(key)} ORDER BY x.step DESC, x.timestamp_ms DESC, x.value DESC LIMIT 1)",
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };
}
