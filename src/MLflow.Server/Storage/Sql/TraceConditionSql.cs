using System.Globalization;
using MLflow.Server.Assessments;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>Conditions on traces that speak of no particular span, in SQL over <c>traces t</c>.</summary>
internal sealed class TraceConditionSql
{
    // Literals, not parameters: only so do the partial indices on them fit.
    private const string RunKey = $"'{TraceKeys.SourceRun}'";
    private const string SessionKey = $"'{TraceKeys.Session}'";

    private readonly SqlConditions _conditions;

    public TraceConditionSql(SqlConditions conditions) => _conditions = conditions;

    public string Condition(TraceCondition condition) => condition.Field switch
    {
        TraceField.Feedback => Assessment(condition, AssessmentType.Feedback),
        TraceField.Expectation => Assessment(condition, AssessmentType.Expectation),
        TraceField.Issue => Assessed(AssessmentType.Issue, condition.Values[0], ""),
        TraceField.Tag => Pair("trace_tags", condition.Key!, condition),
        TraceField.Metadata when condition is { Key: TraceKeys.Session, Operator: FilterOperator.Equal } =>
            $"t.trace_id IN (SELECT trace_id FROM trace_metadata WHERE key = {SessionKey} AND value = {_conditions.Value(condition.Values[0])})",
        TraceField.Metadata => Pair("trace_metadata", condition.Key!, condition),

        // As in MLflow, only the question for one run sees the links.
        TraceField.RunId when condition.Operator == FilterOperator.Equal =>
            $"t.trace_id IN (SELECT trace_id FROM trace_metadata WHERE key = {RunKey} AND value = {_conditions.Value(condition.Values[0])} "
            + $"UNION ALL SELECT trace_id FROM trace_runs WHERE run_id = {_conditions.Value(condition.Values[0])})",
        TraceField.RunId => Pair("trace_metadata", TraceKeys.SourceRun, condition),
        // Units of 10^-12 US dollars; both sides are then the double that is nearest to the amount.
        TraceField.Cost => _conditions.Compare("(t.total_cost / CAST(1e12 AS DOUBLE PRECISION))", condition.Operator, condition.Values),
        TraceField.Prompt => Prompt((string)condition.Values[0]),
        TraceField.Text => Text(condition),
        TraceField.State => _conditions.CompareState(TraceSql.Expression(TraceField.State, null, _conditions), condition.Operator, condition.Values),
        _ => _conditions.Compare(TraceSql.Expression(condition.Field, condition.Key, _conditions), condition.Operator, condition.Values),
    };

    private string Pair(string table, string key, TraceCondition condition)
    {
        var row = $"SELECT 1 FROM {table} x WHERE x.trace_id = t.trace_id AND x.key = {_conditions.Value(key)}";
        return condition.Operator switch
        {
            FilterOperator.IsNull => $"NOT EXISTS ({row})",
            FilterOperator.IsNotNull => $"EXISTS ({row})",
            _ => $"EXISTS ({row} AND {_conditions.ComparePair("x.value", condition.Operator, condition.Values)})",
        };
    }

    /// <summary>A value is compared as its JSON, as a string without quotes, and where it is told by a number, as a number.</summary>
    private string Assessment(TraceCondition condition, AssessmentType type)
    {
        switch (condition.Operator)
        {
            case FilterOperator.IsNull:
                return $"NOT {Assessed(type, condition.Key, "")}";
            case FilterOperator.IsNotNull:
                return Assessed(type, condition.Key, "");
        }

        var isNegative = condition.Operator == FilterOperator.NotEqual;
        var @operator = isNegative ? FilterOperator.Equal : condition.Operator;
        var matches = $"{Compare("x.value")} OR COALESCE({Compare("x.value_text")}, FALSE)";
        if (@operator == FilterOperator.Equal && double.TryParse((string)condition.Values[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
        {
            matches += $" OR COALESCE(x.value_number = {_conditions.Value(number)}, FALSE)";
        }

        return Assessed(type, condition.Key, $" AND {(isNegative ? "NOT " : "")}({matches})");

        string Compare(string expression) => _conditions.Compare(expression, @operator, condition.Values);
    }

    /// <summary>An assessment of the trace, or of its session as a whole, which stands on another trace.</summary>
    private string Assessed(AssessmentType type, object? name, string condition)
    {
        var (ofTrace, ofSession) = Assessments("1", type, name, condition);
        return $"(EXISTS ({ofTrace}) OR EXISTS ({ofSession}))";
    }

    /// <summary>Selects the values of the same assessments: their JSON, and the text that it is.</summary>
    public string AssessedValues(AssessmentType type, object? name)
    {
        var (ofTrace, ofSession) = Assessments("unnest(ARRAY[x.value, x.value_text])", type, name, "");
        return $"{ofTrace} UNION ALL {ofSession}";
    }

    private (string OfTrace, string OfSession) Assessments(string select, AssessmentType type, object? name, string condition)
    {
        var valid = $"x.is_valid = 1 AND x.type = {_conditions.Value(ColumnText.Of(type))} AND x.name = {_conditions.Value(name)}{condition}";
        return (
            $"SELECT {select} FROM assessments x WHERE x.trace_id = t.trace_id AND {valid}",
            $"SELECT {select} FROM trace_metadata m {_conditions.AssessmentsOfSession} AND o.experiment_id = t.experiment_id WHERE m.trace_id = t.trace_id AND m.key = {SessionKey} AND {valid}");
    }

    private string Prompt(string prompt) =>
        $"EXISTS (SELECT 1 FROM trace_tags x WHERE x.trace_id = t.trace_id AND x.key = {_conditions.Value(LinkedPrompts.Tag)} "
        + $"AND {_conditions.Matches("x.value", json => LinkedPrompts.Read(json).Exists(linked => $"{linked.Name}/{linked.Version}" == prompt))})";

    private string Text(TraceCondition condition) => _conditions.Guarded(condition, SqlConditions.Any(
    [
        _conditions.Compare("t.request_preview", condition.Operator, condition.Values),
        _conditions.Compare("t.response_preview", condition.Operator, condition.Values),
        $"EXISTS (SELECT 1 FROM spans s JOIN span_payloads p ON p.trace_id = s.trace_id AND p.span_id = s.span_id{_conditions.PayloadOfSpan} "
            + $"WHERE s.trace_id = t.trace_id{_conditions.SpanOfTrace} AND {_conditions.Payload(condition)})",
    ]));
}
