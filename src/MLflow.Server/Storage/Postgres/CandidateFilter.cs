using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// A filter of which the database can tell a part. <see cref="Superset"/> finds in SQL the rows that may match; what else must hold is found out about each of them in our code,
/// so that patterns mean the same on every database.
/// </summary>
/// <typeparam name="T">A condition.</typeparam>
internal sealed class CandidateFilter<T>
{
    private readonly FilterTree<CandidateLeaf> _tree;
    private readonly List<CandidateLeaf> _leaves = [];

    /// <param name="tree">The filter.</param>
    /// <param name="reach">How far SQL can tell a condition.</param>
    /// <param name="isOfSpan">Whether a condition speaks of the span that those beside it speak of.</param>
    /// <param name="leaf">How to find out about a condition.</param>
    /// <param name="isInWhere">Whether rows have been selected by <see cref="Superset"/>.</param>
    public CandidateFilter(FilterTree<T> tree, Func<T, SqlReach> reach, Predicate<T> isOfSpan, Func<T, CandidateLeaf> leaf, bool isInWhere)
    {
        Superset = Weaken(tree, reach, isPositive: true);
        _tree = (isInWhere ? Rest(tree, reach, isOfSpan) : tree).Select(condition =>
        {
            var numbered = leaf(condition) with { Index = _leaves.Count };
            _leaves.Add(numbered);
            return numbered;
        });
    }

    /// <summary>Holds for all rows that match, and for others.</summary>
    public FilterTree<T> Superset { get; }

    public bool ReadsSpans => _leaves.Exists(leaf => leaf.Span is not null);

    public bool ReadsPayloads => _leaves.Exists(leaf => leaf.ReadsPayload);

    /// <summary>What to select of each row.</summary>
    public IEnumerable<string> Columns => _leaves.Select(leaf => leaf.Column).OfType<string>();

    /// <summary>Reads the columns, from the given one on, and says what they tell.</summary>
    public CandidateFacts Read(PostgresRow row, ref int column)
    {
        var facts = new CandidateFacts();
        foreach (var leaf in _leaves.Where(leaf => leaf.Column is not null))
        {
            if (leaf.Sql is not null ? row.Boolean(column) : row.Texts(column).Any(leaf.Matches!.Invoke))
            {
                facts.Row |= UInt128.One << leaf.Index;
            }

            column++;
        }

        return facts;
    }

    /// <summary>Adds what a span of the row tells.</summary>
    public void Add(SpanContent span, CandidateFacts facts)
    {
        var told = UInt128.Zero;
        foreach (var leaf in _leaves)
        {
            if (leaf.Span is { } matches && matches(span))
            {
                told |= UInt128.One << leaf.Index;
            }
        }

        facts.Spans.Add(told);
    }

    /// <summary>Whether the row matches.</summary>
    public bool Holds(CandidateFacts facts) => Holds(_tree, facts);

    private static bool Holds(FilterTree<CandidateLeaf> tree, CandidateFacts facts)
    {
        switch (tree.Kind)
        {
            case FilterTreeKind.Any:
                return tree.Children.Any(child => Holds(child, facts));
            case FilterTreeKind.All when tree.Children.Any(child => !SpeaksOfSpan(child)):
                return tree.Children.Where(child => !SpeaksOfSpan(child)).All(child => Holds(child, facts))
                    && Holds(FilterTree<CandidateLeaf>.All([.. tree.Children.Where(SpeaksOfSpan)]), facts);
            default:
                return Join(tree, facts, null) || (SpeaksOfSpan(tree) && facts.Spans.Any(span => Join(tree, facts, span)));
        }
    }

    /// <summary>Whether it holds beside a span, or without one.</summary>
    private static bool Join(FilterTree<CandidateLeaf> tree, CandidateFacts facts, UInt128? span) => tree.Kind switch
    {
        FilterTreeKind.Not => !Holds(tree.Children[0], facts),
        FilterTreeKind.Any => tree.Children.Any(child => Join(child, facts, span)),
        FilterTreeKind.All => tree.Children.All(child => Join(child, facts, span)),
        _ when tree.Condition.IsOfSpan => span is { } told && IsSet(told, tree.Condition),
        _ => IsSet(facts.Row, tree.Condition) || facts.Spans.Any(told => IsSet(told, tree.Condition)),
    };

    private static bool IsSet(UInt128 bits, CandidateLeaf leaf) => (bits >> leaf.Index & UInt128.One) != 0;

    private static bool SpeaksOfSpan(FilterTree<CandidateLeaf> tree) => SpeaksOfSpan(tree, leaf => leaf.IsOfSpan);

    private static bool SpeaksOfSpan<TCondition>(FilterTree<TCondition> tree, Predicate<TCondition> isOfSpan) => tree.Kind switch
    {
        FilterTreeKind.Condition => isOfSpan(tree.Condition),
        FilterTreeKind.Not => false,
        _ => tree.Children.Any(child => SpeaksOfSpan(child, isOfSpan)),
    };

    private static bool IsExactSql(FilterTree<T> tree, Func<T, SqlReach> reach) =>
        tree.Kind == FilterTreeKind.Condition ? reach(tree.Condition) == SqlReach.Exact : tree.Children.All(child => IsExactSql(child, reach));

    /// <summary>What rows do not show by having been selected. Conditions that speak of one span belong together, whoever can tell them.</summary>
    private static FilterTree<T> Rest(FilterTree<T> tree, Func<T, SqlReach> reach, Predicate<T> isOfSpan)
    {
        if (IsExactSql(tree, reach))
        {
            return FilterTree<T>.All([]);
        }

        if (tree.Kind != FilterTreeKind.All)
        {
            return tree;
        }

        var spansAreExact = tree.Children.Where(child => SpeaksOfSpan(child, isOfSpan)).All(child => IsExactSql(child, reach));
        return FilterTree<T>.All([.. tree.Children.Where(child => SpeaksOfSpan(child, isOfSpan) ? !spansAreExact : !IsExactSql(child, reach))]);
    }

    /// <summary>What the database cannot tell is taken to hold, and below a NOT not to hold.</summary>
    private static FilterTree<T> Weaken(FilterTree<T> tree, Func<T, SqlReach> reach, bool isPositive) => tree.Kind switch
    {
        FilterTreeKind.Condition => reach(tree.Condition) >= (isPositive ? SqlReach.Superset : SqlReach.Exact) ? tree : isPositive ? FilterTree<T>.All([]) : FilterTree<T>.Any([]),
        FilterTreeKind.Not => FilterTree<T>.Not(Weaken(tree.Children[0], reach, !isPositive)),
        FilterTreeKind.All => FilterTree<T>.All([.. tree.Children.Select(child => Weaken(child, reach, isPositive))]),
        _ => FilterTree<T>.Any([.. tree.Children.Select(child => Weaken(child, reach, isPositive))]),
    };
}
