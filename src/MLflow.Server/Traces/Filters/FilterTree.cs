namespace MLflow.Server.Traces.Filters;

/// <summary>Conditions, joined by AND, OR and NOT. A condition holds or does not: what is absent makes it not hold, and NOT then makes it hold.</summary>
/// <typeparam name="T">A condition.</typeparam>
internal sealed class FilterTree<T>
{
    private readonly T? _condition;

    private FilterTree(FilterTreeKind kind, IReadOnlyList<FilterTree<T>> children, T? condition)
    {
        Kind = kind;
        Children = children;
        _condition = condition;
    }

    public FilterTreeKind Kind { get; }

    public IReadOnlyList<FilterTree<T>> Children { get; }

    public T Condition => _condition!;

    public static FilterTree<T> Of(T condition) => new(FilterTreeKind.Condition, [], condition);

    public static FilterTree<T> All(IReadOnlyList<FilterTree<T>> children) => Join(FilterTreeKind.All, children);

    public static FilterTree<T> Any(IReadOnlyList<FilterTree<T>> children) => Join(FilterTreeKind.Any, children);

    public static FilterTree<T> Not(FilterTree<T> child) => new(FilterTreeKind.Not, [child], default);

    /// <summary>The same tree over other conditions.</summary>
    public FilterTree<TOther> Select<TOther>(Func<T, TOther> condition) => Kind == FilterTreeKind.Condition
        ? FilterTree<TOther>.Of(condition(Condition))
        : new FilterTree<TOther>(Kind, [.. Children.Select(child => child.Select(condition))], default);

    private static FilterTree<T> Join(FilterTreeKind kind, IReadOnlyList<FilterTree<T>> children) => children.Count == 1 ? children[0] : new(kind, children, default);
}
