using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>Writes the conditions of one search in a database's dialect; every value becomes a parameter or stays outside.</summary>
internal abstract class SqlConditions
{
    private readonly IReadOnlyList<string> _equalKeys;
    private readonly string _indexedKeys;
    private readonly IReadOnlyList<string> _unindexedKeys;

    /// <param name="nowMs">When the search began.</param>
    /// <param name="equalKeys">Keys of metadata of which each has an index of its own over whole values.</param>
    /// <param name="unindexedKeys">What the index over the other metadata leaves out, in the order of its definition.</param>
    protected SqlConditions(long nowMs, IReadOnlyList<string> equalKeys, IReadOnlyList<string> unindexedKeys)
    {
        NowMs = nowMs;
        _equalKeys = equalKeys;
        _unindexedKeys = unindexedKeys;
        _indexedKeys = $"x.key NOT IN ({string.Join(", ", unindexedKeys.Select(key => $"'{key}'"))})";
    }

    /// <summary>Joins the traces <c>o</c> of the assessments <c>x</c> that speak of the session <c>m.value</c> as a whole, where <c>m</c> is metadata of trace <c>t</c>.</summary>
    public abstract string AssessmentsOfSession { get; }

    /// <summary>What joins span <c>s</c> to trace <c>t</c>, beside the trace's id; begins with AND, or is empty.</summary>
    public abstract string SpanOfTrace { get; }

    /// <summary>What joins payload <c>p</c> to span <c>s</c>, beside the ids; begins with AND, or is empty.</summary>
    public abstract string PayloadOfSpan { get; }

    /// <summary>When the search began.</summary>
    public long NowMs { get; }

    /// <summary>How the SQL refers to a value.</summary>
    public abstract string Value(object? value);

    /// <summary>The condition that a column is one of some numbers, however many.</summary>
    public abstract string In(string column, IReadOnlyList<long> values);

    /// <summary>The condition that a column is one of some texts, however many.</summary>
    public abstract string In(string column, IReadOnlyCollection<string> values);

    /// <summary>A column that no index shall be chosen for, where the database would choose a wrong one.</summary>
    public abstract string Unindexed(string column);

    /// <summary>What joins the metadata <c>m</c> that says which traces are in the session that assessment <c>x</c> speaks of as a whole.</summary>
    public abstract string SessionOfAssessment { get; }

    /// <summary>What an index takes of a text.</summary>
    public abstract string Beginning(string expression);

    /// <summary>The sum of two numbers; what is beyond 64 bits is no error.</summary>
    public abstract string Sum(string left, string right);

    /// <summary>A predicate of ours on the text of an expression.</summary>
    public abstract string Matches(string expression, Predicate<string> predicate);

    /// <summary>A condition on the payload <c>p</c> of span <c>s</c>.</summary>
    public abstract string Payload(TraceCondition condition);

    /// <summary>A condition on the text of trace <c>t</c>, which is looked at only where an index does not say that it cannot hold.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="sql">It in SQL.</param>
    public virtual string Guarded(TraceCondition condition, string sql) => sql;

    /// <summary>The condition for which an index finds the rows <c>x</c> of a table of keys and values that have a value, and perhaps others; null where there is none.</summary>
    public string? IndexedPair(string table, string key, object value)
    {
        // Keys as literals, and the very words of the index's definition: only so does SQLite take a partial one.
        if (table == "trace_metadata" && _equalKeys.Contains(key))
        {
            return $"x.key = '{key}' AND x.value = {Value(value)}";
        }

        var isIndexed = table != "trace_metadata" ? "TRUE" : _unindexedKeys.Contains(key) ? null : _indexedKeys;
        return isIndexed is null ? null : $"x.key = {Value(key)} AND {isIndexed} AND {Beginning("x.value")} = {Beginning(Value(value))}";
    }

    /// <summary>A condition on a value of a table of keys and values; a database that has an index over them says it so that the index is found.</summary>
    public virtual string ComparePair(string expression, FilterOperator @operator, IReadOnlyList<object> values) => Compare(expression, @operator, values);

    /// <summary>A condition on the state of trace <c>t</c>, whose expression in the search is the given one.</summary>
    public virtual string CompareState(string expression, FilterOperator @operator, IReadOnlyList<object> values) => Compare(expression, @operator, values);

    public string Compare(string expression, FilterOperator @operator, IReadOnlyList<object> values) => @operator switch
    {
        FilterOperator.Equal => $"{expression} = {Value(values[0])}",
        FilterOperator.NotEqual => $"{expression} <> {Value(values[0])}",
        FilterOperator.Greater => $"{expression} > {Value(values[0])}",
        FilterOperator.GreaterOrEqual => $"{expression} >= {Value(values[0])}",
        FilterOperator.Less => $"{expression} < {Value(values[0])}",
        FilterOperator.LessOrEqual => $"{expression} <= {Value(values[0])}",
        FilterOperator.In => $"{expression} IN ({string.Join(", ", values.Select(Value))})",
        FilterOperator.NotIn => $"{expression} NOT IN ({string.Join(", ", values.Select(Value))})",
        FilterOperator.IsNull => $"{expression} IS NULL",
        FilterOperator.IsNotNull => $"{expression} IS NOT NULL",
        _ => Pattern(expression, @operator, (string)values[0]),
    };

    /// <summary>Joins the conditions of a tree that needs no more than that.</summary>
    public static string Join<T>(FilterTree<T> tree, Func<T, string> condition) => tree.Kind switch
    {
        FilterTreeKind.Condition => condition(tree.Condition),
        FilterTreeKind.Not => Not(Join(tree.Children[0], condition)),
        FilterTreeKind.Any => Any(tree.Children.Select(child => Join(child, condition))),
        _ => All(tree.Children.Select(child => Join(child, condition))),
    };

    public static string All(IEnumerable<string> conditions) => Joined(conditions, " AND ", "TRUE");

    public static string Any(IEnumerable<string> conditions) => Joined(conditions, " OR ", "FALSE");

    // What SQL calls unknown, because something is absent, is false to us.
    public static string Not(string condition) => $"(({condition}) IS NOT TRUE)";

    /// <summary>LIKE, ILIKE or RLIKE.</summary>
    protected abstract string Pattern(string expression, FilterOperator @operator, string pattern);

    private static string Joined(IEnumerable<string> conditions, string word, string empty)
    {
        var list = conditions.ToList();
        return list.Count switch
        {
            0 => empty,
            1 => list[0],
            _ => $"({string.Join(word, list)})",
        };
    }
}
