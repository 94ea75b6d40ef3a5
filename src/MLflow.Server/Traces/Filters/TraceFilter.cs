namespace MLflow.Server.Traces.Filters;

/// <summary>Gives the clauses of a filter their meaning for traces.</summary>
internal static class TraceFilter
{
    private const string ValidAttributes =
        "{'timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', 'end_time', 'end_time_ms', 'status', 'request_id', 'client_request_id', 'name', 'run_id', 'prompt'}";

    private const string ValidEntities =
        "{'attribute', 'attributes', 'trace', 'tag', 'tags', 'metadata', 'request_metadata', 'span', 'feedback', 'expectation', 'issue'}";

    private const string AttributePrefix = "attributes.";

    private static readonly FilterOperator[] AnyOperator =
    [
        .. FilterOperators.TextOrList, FilterOperator.IsNull, FilterOperator.IsNotNull,
        FilterOperator.Greater, FilterOperator.GreaterOrEqual, FilterOperator.Less, FilterOperator.LessOrEqual,
    ];

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter is wrong.</exception>
    public static FilterTree<TraceCondition> Parse(string? filter) => FilterParser.Parse(filter).Select(Bind);

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
        "cost" => TraceField.Cost,
        "tokens" => TraceField.Tokens,
        "first_token_ms" => TraceField.FirstToken,
        _ => null,
    };

    private static TraceCondition Bind(FilterClause clause)
    {
        switch (clause.Prefix)
        {
            case "trace" when clause.Key == "text":
                return BindContent(clause, TraceField.Text);
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
            case "issue" when clause.Key == "id":
                return BindText(clause, TraceField.Issue, null, FilterOperators.Equality, "issue");
            case "span":
                return BindSpan(clause);
            case "issue":
                throw FilterError.At($"Invalid issue attribute '{FilterError.Shown(clause.Key)}'. Supported attributes: id.", clause.Position);
            default:
                throw FilterError.At($"Invalid entity type '{FilterError.Shown(clause.Prefix)}'. Valid values are {ValidEntities}", clause.Position);
        }
    }

    private static TraceCondition BindAttribute(FilterClause clause)
    {
        if (clause.Prefix is null && clause.Key == "text")
        {
            throw FilterError.At("Invalid clause(s) in filter string: 'text'. Text is searched by trace.text", clause.Position);
        }

        if (clause.Key == "prompt")
        {
            return BindPrompt(clause);
        }

        var field = Attribute(clause.Key)
            ?? throw FilterError.At($"Invalid attribute key '{FilterError.Shown(clause.Key)}' specified. Valid keys are '{ValidAttributes}'", clause.Position);
        if (field is TraceField.RequestTime or TraceField.Duration or TraceField.EndTime or TraceField.Cost or TraceField.Tokens or TraceField.FirstToken)
        {
            if (clause.IsList)
            {
                throw FilterError.At(
                    "Only attributes in {'run_id','name','request_id','status','client_request_id'} supports comparison with a list of quoted string values.",
                    clause.OperatorPosition);
            }

            FilterOperators.Require(clause, FilterOperators.Numeric);
            return new TraceCondition(field, null, clause.Operator, [FilterOperators.Number(clause)]);
        }

        FilterOperators.RequireTextsInList(clause);
        var allowed = field is TraceField.State or TraceField.TraceId or TraceField.ClientRequestId ? FilterOperators.TextOrList : FilterOperators.TextOrNull;
        return BindText(clause, field, null, allowed, "attribute");
    }

    private static TraceCondition BindPrompt(FilterClause clause)
    {
        var condition = BindText(clause, TraceField.Prompt, null, FilterOperators.Equality, "attribute");
        return ((string)condition.Values[0]).Contains('/', StringComparison.Ordinal)
            ? condition
            : throw FilterError.At($"Expected a prompt as 'name/version' (e.g. 'my-prompt/1'). Got value {clause.RawValue}", clause.ValuePosition);
    }

    private static TraceCondition BindKeyed(FilterClause clause, TraceField field, string entity)
    {
        RequireKey(clause);
        return clause.IsList
            ? throw FilterError.At($"Expected a quoted string value for {entity} (e.g. 'my-value'). Got value {clause.RawValue}", clause.ValuePosition)
            : BindText(clause, field, clause.Key, FilterOperators.TextOrNull, entity);
    }

    private static TraceCondition BindAssessment(FilterClause clause, TraceField field)
    {
        RequireKey(clause);
        var entity = field == TraceField.Feedback ? "feedback" : "expectation";
        if (clause.IsList || !clause.HasTextsOnly)
        {
            throw FilterError.At($"Expected a quoted string value for {entity} (e.g. 'my-value'). Got value {clause.RawValue}", clause.ValuePosition);
        }

        return FilterOperators.TextOrNull.Contains(clause.Operator)
            ? BindText(clause, field, clause.Key, FilterOperators.TextOrNull, entity)
            : throw FilterError.At(
                $"assessment.{FilterError.Shown(clause.Key)} comparator '{clause.OperatorText}' not one of '{FilterOperators.Names(FilterOperators.TextOrNull)}'",
                clause.OperatorPosition);
    }

    private static TraceCondition BindSpan(FilterClause clause)
    {
        if (clause.Key.StartsWith(AttributePrefix, StringComparison.Ordinal))
        {
            return BindSpanAttribute(clause, clause.Key[AttributePrefix.Length..]);
        }

        TraceField field;
        switch (clause.Key)
        {
            case "content":
                return BindContent(clause, TraceField.SpanContent);
            case "name":
                field = TraceField.SpanName;
                break;
            case "type":
                field = TraceField.SpanType;
                break;
            case "status":
                field = TraceField.SpanStatus;
                break;
            default:
                throw FilterError.At(
                    $"Invalid span attribute '{FilterError.Shown(clause.Key)}'. Supported attributes: name, status, type, attributes.<attribute_name>.", clause.Position);
        }

        FilterOperators.RequireTextsInList(clause);
        return BindText(clause, field, null, FilterOperators.TextOrList, "span");
    }

    private static TraceCondition BindSpanAttribute(FilterClause clause, string key)
    {
        if (key.Length == 0)
        {
            throw FilterError.At("Span attribute name cannot be empty after 'attributes.'", clause.Position);
        }

        if (clause.Operator is FilterOperator.Greater or FilterOperator.GreaterOrEqual or FilterOperator.Less or FilterOperator.LessOrEqual)
        {
            return new TraceCondition(TraceField.SpanAttribute, key, clause.Operator, [FilterOperators.Number(clause)]);
        }

        FilterOperators.RequireTextsInList(clause);
        return BindText(clause, TraceField.SpanAttribute, key, AnyOperator, "span");
    }

    private static TraceCondition BindContent(FilterClause clause, TraceField field) =>
        FilterOperators.Patterns.Contains(clause.Operator)
            ? BindText(clause, field, null, FilterOperators.Patterns, "span.content")
            : throw FilterError.At($"span.content comparator '{clause.OperatorText}' not one of '{FilterOperators.Names(FilterOperators.Patterns)}'", clause.OperatorPosition);

    private static TraceCondition BindText(FilterClause clause, TraceField field, string? key, FilterOperator[] allowed, string entity)
    {
        FilterOperators.Require(clause, allowed);
        return new TraceCondition(field, key, clause.Operator, FilterOperators.Texts(clause, entity));
    }

    private static void RequireKey(FilterClause clause)
    {
        if (clause.Key.Length == 0)
        {
            throw FilterError.At($"Invalid clause(s) in filter string: '{clause.Prefix}.'. A key should follow the dot", clause.Position);
        }
    }
}
