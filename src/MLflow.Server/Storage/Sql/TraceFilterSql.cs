using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>
/// Puts a filter into SQL over <c>traces t</c>. Conditions on spans that are joined by AND and OR speak of one span, which can be chosen freely;
/// what stands below a NOT chooses its own. A trace without a fitting span can still match by conditions that speak of none.
/// </summary>
internal sealed class TraceFilterSql
{
    private readonly SqlConditions _conditions;
    private readonly TraceConditionSql _trace;

    public TraceFilterSql(SqlConditions conditions)
    {
        _conditions = conditions;
        _trace = new TraceConditionSql(conditions);
    }

    public string Where(FilterTree<TraceCondition> tree)
    {
        if (!SpeaksOfSpan(tree))
        {
            return Join(tree, SpanChoice.None);
        }

        switch (tree.Kind)
        {
            case FilterTreeKind.Any:
                return SqlConditions.Any(tree.Children.Select(Where));
            case FilterTreeKind.All when tree.Children.Count(SpeaksOfSpan) < tree.Children.Count:
                // What is cheap first. SQLite asks its subqueries in this order, after all else.
                var alone = tree.Children.Where(child => !SpeaksOfSpan(child)).OrderBy(Cost);
                return SqlConditions.All([.. alone.Select(Where), Where(FilterTree<TraceCondition>.All([.. tree.Children.Where(SpeaksOfSpan).OrderBy(Cost)]))]);
            default:
                var payload = ReadsPayload(tree) ? $" JOIN span_payloads p ON p.trace_id = s.trace_id AND p.span_id = s.span_id{_conditions.PayloadOfSpan}" : "";
                var some = $"EXISTS (SELECT 1 FROM spans s{payload} WHERE s.trace_id = t.trace_id{_conditions.SpanOfTrace} AND {Join(tree, SpanChoice.One)})";
                return NeedsSpan(tree) ? some : SqlConditions.Any([Join(tree, SpanChoice.None), some]);
        }
    }

    /// <summary>Joins conditions beside a span <c>s</c>, or without one.</summary>
    private string Join(FilterTree<TraceCondition> tree, SpanChoice span) => tree.Kind switch
    {
        FilterTreeKind.Not => SqlConditions.Not(Where(tree.Children[0])),
        FilterTreeKind.Any => SqlConditions.Any(tree.Children.Select(child => Join(child, span))),
        FilterTreeKind.All => SqlConditions.All(tree.Children.OrderBy(Cost).Select(child => Join(child, span))),
        _ when !IsOfSpan(tree.Condition) => _trace.Condition(tree.Condition),
        _ => span == SpanChoice.None ? "FALSE" : OfSpan(tree.Condition),
    };

    private string OfSpan(TraceCondition condition) => condition.Field switch
    {
        TraceField.SpanName => _conditions.Compare("s.name", condition.Operator, condition.Values),
        TraceField.SpanType => _conditions.Compare("s.type", condition.Operator, condition.Values),
        TraceField.SpanStatus => _conditions.Compare("s.status", condition.Operator, condition.Values),
        _ => _conditions.Guarded(condition, _conditions.Payload(condition)),
    };

    public static bool IsOfSpan(TraceCondition condition) => IsOfPayload(condition) || condition.Field is TraceField.SpanName or TraceField.SpanType or TraceField.SpanStatus;

    private static bool IsOfPayload(TraceCondition condition) => condition.Field is TraceField.SpanContent or TraceField.SpanAttribute;

    private static bool SpeaksOfSpan(FilterTree<TraceCondition> tree) => tree.Kind switch
    {
        FilterTreeKind.Condition => IsOfSpan(tree.Condition),
        FilterTreeKind.Not => false,
        _ => tree.Children.Any(SpeaksOfSpan),
    };

    private static bool ReadsPayload(FilterTree<TraceCondition> tree) => tree.Kind switch
    {
        FilterTreeKind.Condition => IsOfPayload(tree.Condition),
        FilterTreeKind.Not => false,
        _ => tree.Children.Any(ReadsPayload),
    };

    /// <summary>Whether the tree cannot hold without a span.</summary>
    private static bool NeedsSpan(FilterTree<TraceCondition> tree) => tree.Kind switch
    {
        FilterTreeKind.Condition => IsOfSpan(tree.Condition),
        FilterTreeKind.Not => false,
        FilterTreeKind.Any => tree.Children.All(NeedsSpan),
        _ => tree.Children.Any(NeedsSpan),
    };

    private static int Cost(FilterTree<TraceCondition> tree) => tree.Kind != FilterTreeKind.Condition
        ? tree.Children.Select(Cost).DefaultIfEmpty().Max()
        : tree.Condition.Field switch
        {
            TraceField.SpanContent or TraceField.SpanAttribute => 4,
            TraceField.Text => 3,
            TraceField.SpanName or TraceField.SpanType or TraceField.SpanStatus => 2,
            TraceField.Tag or TraceField.Metadata or TraceField.RunId or TraceField.Prompt or TraceField.Name
                or TraceField.Feedback or TraceField.Expectation or TraceField.Issue => 1,
            _ => 0,
        };

    private enum SpanChoice
    {
        None,
        One,
    }
}
