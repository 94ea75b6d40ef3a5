using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Writes the conditions of one search in SQLite's dialect; every value becomes a parameter or stays outside.</summary>
internal sealed class SqlConditions
{
    private readonly SqlParameters _parameters;
    private readonly SearchFunctions _functions;
    private readonly SearchClock _clock;

    public SqlConditions(SqlParameters parameters, SearchFunctions functions, SearchClock clock)
    {
        _parameters = parameters;
        _functions = functions;
        _clock = clock;
    }

    /// <summary>When the search began.</summary>
    public long NowMs => _clock.StartMs;

    /// <summary>How the SQL refers to a value.</summary>
    public string Value(object? value) => _parameters.Add(value);

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
        _ => _functions.Text(TextMatch.Create(@operator, (string)values[0], _clock), expression),
    };

    /// <summary>A predicate of ours on the text of an expression.</summary>
    public string Matches(string expression, Predicate<string> predicate) => _functions.Text(predicate, expression);

    /// <summary>A condition on the payload <c>p</c> of span <c>s</c>.</summary>
    public string Payload(TraceCondition condition) => _functions.Span(SpanMatch.Create(condition, _clock));

    /// <summary>Joins the conditions of a tree that needs no more than that.</summary>
    public static string Join<T>(FilterTree<T> tree, Func<T, string> condition) => tree.Kind switch
    {
        FilterTreeKind.Condition => condition(tree.Condition),
        FilterTreeKind.Not => Not(Join(tree.Children[0], condition)),
        FilterTreeKind.Any => Any(tree.Children.Select(child => Join(child, condition))),
        _ => All(tree.Children.Select(child => Join(child, condition))),
    };

    public static string All(IEnumerable<string> conditions) => Joined(conditions, " AND ", "1");

    public static string Any(IEnumerable<string> conditions) => Joined(conditions, " OR ", "0");

    // What SQL calls unknown, because something is absent, is false to us.
    public static string Not(string condition) => $"(({condition}) IS NOT TRUE)";

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
