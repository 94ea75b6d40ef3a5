using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Experiments;

/// <summary>Gives the clauses of a filter their meaning for experiments.</summary>
internal static class ExperimentFilter
{
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter is wrong.</exception>
    public static FilterTree<ExperimentCondition> Parse(string? filter) => FilterParser.Parse(filter).Select(Bind);

    private static ExperimentCondition Bind(FilterClause clause) => clause.Prefix switch
    {
        "tag" or "tags" => new ExperimentCondition(ExperimentField.Tag, clause.Key, Allowed(clause, FilterOperators.PlainText), FilterOperators.TextsOfKey(clause)[0]),
        null or "attribute" or "attributes" or "attr" => clause.Key switch
        {
            "name" => new ExperimentCondition(ExperimentField.Name, null, Allowed(clause, FilterOperators.PlainText), FilterOperators.TextsOfKey(clause)[0]),
            "creation_time" => new ExperimentCondition(ExperimentField.CreationTime, null, Allowed(clause, FilterOperators.Numeric), FilterOperators.Number(clause)),
            "last_update_time" => new ExperimentCondition(ExperimentField.LastUpdateTime, null, Allowed(clause, FilterOperators.Numeric), FilterOperators.Number(clause)),
            _ => throw FilterError.At(
                $"Invalid attribute key '{FilterError.Shown(clause.Key)}' specified. Valid keys are '{{'name', 'creation_time', 'last_update_time'}}'", clause.Position),
        },
        _ => throw FilterError.At($"Invalid entity type '{FilterError.Shown(clause.Prefix)}'. Valid values are {{'attribute', 'tag'}}", clause.Position),
    };

    private static FilterOperator Allowed(FilterClause clause, FilterOperator[] allowed)
    {
        FilterOperators.RequireOfKey(clause, allowed);
        return clause.Operator;
    }
}
