using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Runs;

/// <summary>Gives the clauses of a filter their meaning for runs.</summary>
internal static class RunFilter
{
    private static readonly FilterOperator[] TextOrList = [.. FilterOperators.PlainText, FilterOperator.In, FilterOperator.NotIn];

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter is wrong.</exception>
    public static FilterTree<RunCondition> Parse(string? filter) => FilterParser.Parse(filter).Select(Bind);

    /// <summary>What a name in a filter or an order means.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: nothing.</exception>
    public static (RunField Field, string? Key) Identify(string? prefix, string key) => prefix switch
    {
        "tag" or "tags" => (RunField.Tag, key),
        "param" or "params" or "parameter" or "parameters" => (RunField.Param, key),
        "metric" or "metrics" => (RunField.Metric, key),
        null or "attribute" or "attributes" or "attr" or "run" => (key switch
        {
            "run_id" => RunField.RunId,
            "run_name" or "name" => RunField.Name,
            "user_id" => RunField.UserId,
            "status" => RunField.Status,
            "artifact_uri" => RunField.ArtifactUri,
            "start_time" or "created" => RunField.StartTime,
            "end_time" => RunField.EndTime,
            _ => throw Invalid($"Invalid attribute key '{FilterError.Shown(key)}' specified. Valid keys are '{{'run_id', 'run_name', 'user_id', 'status', 'artifact_uri', 'start_time', 'end_time'}}'"),
        }, null),
        _ => throw Invalid($"Invalid entity type '{FilterError.Shown(prefix)}'. Valid values are {{'attribute', 'tag', 'param', 'metric'}}"),
    };

    private static RunCondition Bind(FilterClause clause)
    {
        var (field, key) = Identify(clause.Prefix, clause.Key);
        if (field is RunField.Metric or RunField.StartTime or RunField.EndTime)
        {
            FilterOperators.RequireOfKey(clause, FilterOperators.Numeric);
            return new RunCondition(field, key, clause.Operator, [FilterOperators.Number(clause)]);
        }

        FilterOperators.RequireOfKey(clause, field == RunField.RunId ? TextOrList : FilterOperators.PlainText);
        return new RunCondition(field, key, clause.Operator, FilterOperators.TextsOfKey(clause));
    }

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);
}
