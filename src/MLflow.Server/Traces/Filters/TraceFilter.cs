using System.Globalization;

namespace MLflow.Server.Traces.Filters;

/// <summary>Gives the clauses of a filter their meaning for traces.</summary>
internal static class TraceFilter
{
    private const string ValidAttributes =
        "{'timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', 'end_time', 'end_time_ms', 'status', 'request_id', 'client_request_id', 'name', 'run_id'}";

    private static readonly FilterOperator[] Numeric =
    [
        FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Greater, FilterOperator.GreaterOrEqual, FilterOperator.Less, FilterOperator.LessOrEqual,
    ];

    private static readonly FilterOperator[] Text =
    [
        FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Like, FilterOperator.ILike, FilterOperator.RLike,
    ];

    private static readonly FilterOperator[] TextOrList = [.. Text, FilterOperator.In, FilterOperator.NotIn];

    private static readonly FilterOperator[] TextOrNull = [.. Text, FilterOperator.IsNull, FilterOperator.IsNotNull];

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter is wrong.</exception>
    public static IReadOnlyList<TraceCondition> Parse(string? filter) => [.. FilterParser.Parse(filter).Select(Bind)];

    /// <summary>The field of an attribute, under any of its names; null when there is none.</summary>
    public static TraceField? Attribute(string key) => key switch
    {
        "timestamp" or "timestamp_ms" => TraceField.RequestTime,
        "execution_time" or "execution_time_ms" => TraceField.Duration,
        "end_time" or "end_time_ms" => TraceField.EndTime,
        "status" => TraceField.State,
        "request_id" => TraceField.TraceId,
        "client_request_id" => TraceField.ClientRequestId,
        "name" => TraceField.Name,
        "run_id" => TraceField.RunId,
        _ => null,
    };

    private static TraceCondition Bind(FilterClause clause)
    {
        switch (clause.Prefix)
        {
            case null or "attribute" or "attributes" or "trace":
                return BindAttribute(clause);
            case "tag" or "tags":
                return BindKeyed(clause, TraceField.Tag, "tag");
            case "metadata" or "request_metadata":
                return BindKeyed(clause, TraceField.Metadata, "request_metadata");
            case "feedback":
                return BindAssessment(clause, TraceField.Feedback);
            case "expectation":
                return BindAssessment(clause, TraceField.Expectation);
            case "span":
                return BindText(clause, SpanField(clause), null, TextOrList, "span");
            default:
                throw Invalid(
                    $"Invalid entity type '{clause.Prefix}'. Valid values are {{'attribute', 'attributes', 'trace', 'tag', 'tags', 'metadata', 'request_metadata', 'span', 'feedback', 'expectation'}}",
                    clause);
        }
    }

    private static TraceCondition BindAttribute(FilterClause clause)
    {
        var field = Attribute(clause.Key) ?? throw Invalid($"Invalid attribute key '{clause.Key}' specified. Valid keys are '{ValidAttributes}'", clause);
        if (field is TraceField.RequestTime or TraceField.Duration or TraceField.EndTime)
        {
            if (clause.IsList)
            {
                throw Invalid(
                    "Only attributes in {'run_id','name','request_id','status','client_request_id'} supports comparison with a list of quoted string values.",
                    clause);
            }

            RequireOperator(clause, Numeric);
            return new TraceCondition(field, null, clause.Operator, [Number(clause)]);
        }

        var allowed = field is TraceField.State or TraceField.TraceId or TraceField.ClientRequestId ? TextOrList : TextOrNull;
        return BindText(clause, field, null, allowed, "attribute");
    }

    private static TraceCondition BindKeyed(FilterClause clause, TraceField field, string entity)
    {
        if (clause.IsList)
        {
            throw Invalid($"Expected a quoted string value for {entity} (e.g. 'my-value'). Got value {clause.RawValue}", clause);
        }

        return BindText(clause, field, clause.Key, TextOrNull, entity);
    }

    private static TraceCondition BindAssessment(FilterClause clause, TraceField field)
    {
        var entity = field == TraceField.Feedback ? "feedback" : "expectation";
        if (!TextOrNull.Contains(clause.Operator) && !clause.IsList && clause.Values.All(value => value.Kind == FilterTokenKind.Text))
        {
            throw Invalid($"assessment.{clause.Key} comparator '{clause.OperatorText}' not one of '{Names(TextOrNull)}'", clause);
        }

        if (clause.IsList || clause.Values.Any(value => value.Kind != FilterTokenKind.Text))
        {
            throw Invalid($"Expected a quoted string value for {entity} (e.g. 'my-value'). Got value {clause.RawValue}", clause);
        }

        return BindText(clause, field, clause.Key, TextOrNull, entity);
    }

    private static TraceCondition BindText(FilterClause clause, TraceField field, string? key, FilterOperator[] allowed, string entity)
    {
        RequireOperator(clause, allowed);
        if (clause.Values.FirstOrDefault(value => value.Kind != FilterTokenKind.Text) is { Raw: { } raw })
        {
            throw Invalid($"Expected a quoted string value for {entity} (e.g. 'my-value'). Got value {raw}", clause);
        }

        return new TraceCondition(field, key, clause.Operator, [.. clause.Values.Select(value => value.Text)]);
    }

    private static TraceField SpanField(FilterClause clause) => clause.Key switch
    {
        "name" => TraceField.SpanName,
        "type" => TraceField.SpanType,
        "status" => TraceField.SpanStatus,
        _ => throw Invalid($"Invalid span attribute '{clause.Key}'. Supported attributes: name, status, type.", clause),
    };

    private static object Number(FilterClause clause)
    {
        var text = clause.Values[0].Text;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
        {
            return integer;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : throw Invalid($"Expected a numeric value for '{clause.Key}'. Got value {clause.RawValue}", clause);
    }

    private static void RequireOperator(FilterClause clause, FilterOperator[] allowed)
    {
        if (!allowed.Contains(clause.Operator))
        {
            throw Invalid($"Invalid comparator '{clause.OperatorText}' not one of '{Names(allowed)}'", clause);
        }
    }

    private static string Names(FilterOperator[] operators) => $"{{{string.Join(", ", operators.Select(Name))}}}";

    private static string Name(FilterOperator @operator) => @operator switch
    {
        FilterOperator.Equal => "'='",
        FilterOperator.NotEqual => "'!='",
        FilterOperator.Greater => "'>'",
        FilterOperator.GreaterOrEqual => "'>='",
        FilterOperator.Less => "'<'",
        FilterOperator.LessOrEqual => "'<='",
        FilterOperator.Like => "'LIKE'",
        FilterOperator.ILike => "'ILIKE'",
        FilterOperator.RLike => "'RLIKE'",
        FilterOperator.In => "'IN'",
        FilterOperator.NotIn => "'NOT IN'",
        FilterOperator.IsNull => "'IS NULL'",
        _ => "'IS NOT NULL'",
    };

    private static MlflowException Invalid(string message, FilterClause clause) =>
        new(ErrorCode.INVALID_PARAMETER_VALUE, $"{message} (at position {clause.Position})");
}
