using System.Globalization;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Experiments;

/// <summary>Gives the clauses of a filter their meaning for experiments.</summary>
internal static class ExperimentFilter
{
    private static readonly FilterOperator[] Numeric =
    [
        FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Greater, FilterOperator.GreaterOrEqual, FilterOperator.Less, FilterOperator.LessOrEqual,
    ];

    private static readonly FilterOperator[] Text = [FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Like, FilterOperator.ILike];

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter is wrong.</exception>
    public static IReadOnlyList<ExperimentCondition> Parse(string? filter) => [.. FilterParser.Parse(filter).Select(Bind)];

    private static ExperimentCondition Bind(FilterClause clause) => clause.Prefix switch
    {
        "tag" or "tags" => new ExperimentCondition(ExperimentField.Tag, clause.Key, Allowed(clause, Text), TextOf(clause)),
        null or "attribute" or "attributes" or "attr" => clause.Key switch
        {
            "name" => new ExperimentCondition(ExperimentField.Name, null, Allowed(clause, Text), TextOf(clause)),
            "creation_time" => new ExperimentCondition(ExperimentField.CreationTime, null, Allowed(clause, Numeric), NumberOf(clause)),
            "last_update_time" => new ExperimentCondition(ExperimentField.LastUpdateTime, null, Allowed(clause, Numeric), NumberOf(clause)),
            _ => throw Invalid($"Invalid attribute key '{clause.Key}' specified. Valid keys are '{{'name', 'creation_time', 'last_update_time'}}'", clause),
        },
        _ => throw Invalid($"Invalid entity type '{clause.Prefix}'. Valid values are {{'attribute', 'tag'}}", clause),
    };

    private static FilterOperator Allowed(FilterClause clause, FilterOperator[] allowed) =>
        allowed.Contains(clause.Operator)
            ? clause.Operator
            : throw Invalid($"Invalid comparator '{clause.OperatorText}' for '{clause.Key}'", clause);

    private static string TextOf(FilterClause clause) =>
        clause.Values[0].Kind == FilterTokenKind.Text
            ? clause.Values[0].Text
            : throw Invalid($"Expected a quoted string value for '{clause.Key}' (e.g. 'my-value'). Got value {clause.RawValue}", clause);

    private static long NumberOf(FilterClause clause) =>
        long.TryParse(clause.Values[0].Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Invalid($"Expected a numeric value for '{clause.Key}'. Got value {clause.RawValue}", clause);

    private static MlflowException Invalid(string message, FilterClause clause) =>
        new(ErrorCode.INVALID_PARAMETER_VALUE, $"{message} (at position {clause.Position})");
}
