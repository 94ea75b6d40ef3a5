using System.Globalization;
using System.Text.Json;
using MLflow.Server.Assessments;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Puts a trace search into SQL over <c>traces t</c>.</summary>
internal static class TraceSql
{
    private const int MaxListedExperiments = 500;

    public static string Where(TraceQuery query, IReadOnlyList<TraceCondition> conditions, SqlParameters parameters)
    {
        var clauses = new List<string> { Experiments(query, parameters) };
        clauses.AddRange(conditions.Where(condition => !IsSpan(condition)).Select(condition => Condition(condition, parameters)));

        // All conditions on spans must hold for one span.
        var span = conditions.Where(IsSpan).Select(condition => SqlConditions.Compare(SpanColumn(condition.Field), condition.Operator, condition.Values, parameters)).ToList();
        if (span.Count > 0)
        {
            clauses.Add($"EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.trace_id AND {string.Join(" AND ", span)})");
        }

        return string.Join(" AND ", clauses);
    }

    public static Keyset Keyset(IReadOnlyList<TraceOrder> orders, SqlParameters parameters) => new([.. orders.Select(order => new KeysetColumn(
        order.Key is null ? order.Field.ToString() : $"{order.Field}.{order.Key}",
        Expression(order.Field, order.Key, parameters),
        order.Descending,
        order.Field is not (TraceField.RequestTime or TraceField.TraceId or TraceField.ExperimentId or TraceField.State)))]);

    // A statement has a bounded number of parameters; a list of values lets the index give the order, a table does not.
    private static string Experiments(TraceQuery query, SqlParameters parameters) =>
        query.ExperimentIds.Count <= MaxListedExperiments
            ? $"t.experiment_id IN ({string.Join(", ", query.ExperimentIds.Select(id => parameters.Add(id)))})"
            : $"t.experiment_id IN (SELECT value FROM json_each({parameters.Add(JsonSerializer.Serialize(query.ExperimentIds))}))";

    private static string Condition(TraceCondition condition, SqlParameters parameters)
    {
        if (condition.Field is TraceField.Feedback or TraceField.Expectation)
        {
            return Assessment(condition, parameters);
        }

        if (condition.Field is not (TraceField.Tag or TraceField.Metadata or TraceField.RunId))
        {
            return SqlConditions.Compare(Expression(condition.Field, condition.Key, parameters), condition.Operator, condition.Values, parameters);
        }

        var table = condition.Field == TraceField.Tag ? "trace_tags" : "trace_metadata";
        var key = condition.Field == TraceField.RunId ? TraceKeys.SourceRun : condition.Key;
        var row = $"SELECT 1 FROM {table} x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(key)}";
        return condition.Operator switch
        {
            FilterOperator.IsNull => $"NOT EXISTS ({row})",
            FilterOperator.IsNotNull => $"EXISTS ({row})",

            // As in MLflow, only the question for one run sees the links.
            FilterOperator.Equal when condition.Field == TraceField.RunId =>
                $"(EXISTS ({row} AND x.value = {parameters.Add(condition.Values[0])}) OR EXISTS (SELECT 1 FROM trace_runs r WHERE r.trace_id = t.trace_id AND r.run_id = {parameters.Add(condition.Values[0])}))",
            _ => $"EXISTS ({row} AND {SqlConditions.Compare("x.value", condition.Operator, condition.Values, parameters)})",
        };
    }

    /// <summary>A value is compared as its JSON, as a string without quotes, and where it is told by a number, as a number.</summary>
    private static string Assessment(TraceCondition condition, SqlParameters parameters)
    {
        var type = condition.Field == TraceField.Feedback ? AssessmentType.Feedback : AssessmentType.Expectation;
        var row = $"SELECT 1 FROM assessments x WHERE x.trace_id = t.trace_id AND x.is_valid = 1 AND x.type = {parameters.Add(SqliteText.Of(type))} AND x.name = {parameters.Add(condition.Key)}";
        switch (condition.Operator)
        {
            case FilterOperator.IsNull:
                return $"NOT EXISTS ({row})";
            case FilterOperator.IsNotNull:
                return $"EXISTS ({row})";
            default:
                var isNegative = condition.Operator == FilterOperator.NotEqual;
                var @operator = isNegative ? FilterOperator.Equal : condition.Operator;
                var matches = $"{Compare("x.value")} OR COALESCE({Compare("x.value_text")}, 0)";
                if (@operator == FilterOperator.Equal && double.TryParse((string)condition.Values[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
                {
                    matches += $" OR COALESCE(x.value_number = {parameters.Add(number)}, 0)";
                }

                return $"EXISTS ({row} AND {(isNegative ? "NOT " : "")}({matches}))";

                string Compare(string expression) => SqlConditions.Compare(expression, @operator, condition.Values, parameters);
        }
    }

    private static string Expression(TraceField field, string? key, SqlParameters parameters) => field switch
    {
        TraceField.RequestTime => "t.request_time_ms",
        TraceField.Duration => "t.duration_ms",
        TraceField.EndTime => "(t.request_time_ms + t.duration_ms)",
        TraceField.State => "t.state",
        TraceField.TraceId => "t.trace_id",
        TraceField.ExperimentId => "t.experiment_id",
        TraceField.ClientRequestId => "t.client_request_id",
        TraceField.Name =>
            $"COALESCE((SELECT value FROM trace_tags x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(TraceKeys.TraceName)}), t.root_name)",
        TraceField.RunId => $"(SELECT value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(TraceKeys.SourceRun)})",
        TraceField.Tag => $"(SELECT value FROM trace_tags x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(key)})",
        TraceField.Metadata => $"(SELECT value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(key)})",
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    private static bool IsSpan(TraceCondition condition) => condition.Field is TraceField.SpanName or TraceField.SpanType or TraceField.SpanStatus;

    private static string SpanColumn(TraceField field) => field switch
    {
        TraceField.SpanName => "s.name",
        TraceField.SpanType => "s.type",
        _ => "s.status",
    };
}
