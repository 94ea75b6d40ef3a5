using System.Globalization;
using MLflow.Server.Assessments;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>What finds by an index the traces for which a condition may hold.</summary>
internal static class TraceLookups
{
    /// <summary>
    /// Selects that together find the ids of all traces for which the condition holds, and perhaps others. They are to be asked in their order:
    /// a later one is cheap where those before it found few.
    /// </summary>
    /// <returns>None where no index tells.</returns>
    public static IReadOnlyList<string> Of(TraceCondition condition, SqlConditions conditions)
    {
        var isEqual = condition.Operator == FilterOperator.Equal;
        return condition.Field switch
        {
            TraceField.Tag when isEqual => OfPair("trace_tags", condition.Key!, condition, conditions),
            TraceField.Metadata when isEqual => OfPair("trace_metadata", condition.Key!, condition, conditions),
            TraceField.Name when isEqual =>
            [
                .. OfPair("trace_tags", TraceKeys.TraceName, condition, conditions),
                $"SELECT x.trace_id FROM traces x WHERE {OfBeginning("x.root_name", [condition.Values[0]], conditions)}",
            ],
            TraceField.State when isEqual && condition.Values[0] is "ERROR" => ["SELECT x.trace_id FROM traces x WHERE x.state = 'ERROR'"],
            TraceField.SpanName when isEqual || condition.Operator == FilterOperator.In => [$"SELECT x.trace_id FROM spans x WHERE {OfBeginning("x.name", condition.Values, conditions)}"],
            TraceField.SpanStatus when isEqual && condition.Values[0] is "ERROR" => ["SELECT x.trace_id FROM spans x WHERE x.status = 'ERROR'"],
            TraceField.Feedback => OfAssessments(AssessmentType.Feedback, condition, conditions),
            TraceField.Expectation => OfAssessments(AssessmentType.Expectation, condition, conditions),
            TraceField.Issue => OfAssessments(AssessmentType.Issue, condition with { Key = (string)condition.Values[0], Operator = FilterOperator.IsNotNull }, conditions),
            _ => [],
        };
    }

    private static string[] OfPair(string table, string key, TraceCondition condition, SqlConditions conditions) =>
        conditions.IndexedPair(table, key, condition.Values[0]) is { } pair ? [$"SELECT x.trace_id FROM {table} x WHERE {pair}"] : [];

    private static string[] OfAssessments(AssessmentType type, TraceCondition condition, SqlConditions conditions)
    {
        if (condition.Operator == FilterOperator.IsNull)
        {
            return [];
        }

        var named = $"{OfBeginning("x.name", [condition.Key!], conditions)} AND x.type = {conditions.Value(ColumnText.Of(type))} AND x.is_valid = 1";
        string[] found = condition.Operator == FilterOperator.Equal ? [.. OfAssessed((string)condition.Values[0], conditions).Select(value => $"{named} AND {value}")] : [named];

        // Those that speak of a whole session may be none of many, so they are asked for when all are few.
        return
        [
            .. found.Select(where => $"SELECT x.trace_id FROM assessments x WHERE {where}"),
            .. found.Select(where => $"SELECT m.trace_id FROM assessments x {conditions.SessionOfAssessment} WHERE {where}"),
        ];
    }

    /// <summary>As <see cref="TraceConditionSql"/> compares it: the string, the JSON of what is none, or the number. JSON of a string is not looked up.</summary>
    private static IEnumerable<string> OfAssessed(string value, SqlConditions conditions)
    {
        if (value.StartsWith('"'))
        {
            return ["TRUE"];
        }

        var ofText = OfBeginning("COALESCE(x.value_text, x.value)", [value], conditions);
        return double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? [ofText, $"x.value_number = {conditions.Value(number)}"]
            : [ofText];
    }

    /// <summary>An index takes the beginning of a text. What else begins so is found too, and left out by the condition itself.</summary>
    private static string OfBeginning(string expression, IReadOnlyList<object> values, SqlConditions conditions) =>
        $"{conditions.Beginning(expression)} IN ({string.Join(", ", values.Select(value => conditions.Beginning(conditions.Value(value))))})";
}
