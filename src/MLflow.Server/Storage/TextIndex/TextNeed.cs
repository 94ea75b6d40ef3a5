using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>What a trace must have in its text so that a filter can hold, as far as the index can tell.</summary>
internal sealed class TextNeed
{
    private readonly FilterTreeKind _kind;
    private readonly IReadOnlyList<TextNeed> _children;
    private readonly IReadOnlyList<TextGram> _grams;

    private TextNeed(FilterTreeKind kind, IReadOnlyList<TextNeed> children, IReadOnlyList<TextGram> grams)
    {
        _kind = kind;
        _children = children;
        _grams = grams;
    }

    /// <summary>The pages of a segment in which to look.</summary>
    public IEnumerable<int> Pages => _children.SelectMany(child => child.Pages).Concat(_grams.Select(gram => gram.Page)).Distinct();

    /// <summary>The same with so few grams that it costs little to read them of every segment; it finds more.</summary>
    public TextNeed Rough(int grams) => new(
        _kind, [.. _children.Select(child => child.Rough(grams))], _grams.Count <= grams ? _grams : [.. Enumerable.Range(0, grams).Select(i => _grams[i * _grams.Count / grams])]);

    /// <summary>Null where the filter may hold whatever a trace says.</summary>
    public static TextNeed? Of(FilterTree<TraceCondition> filter)
    {
        switch (filter.Kind)
        {
            case FilterTreeKind.Condition:
                return Of(filter.Condition);
            case FilterTreeKind.Not:
                return null;
        }

        var children = filter.Children.Select(Of).ToList();
        var needs = children.OfType<TextNeed>().ToList();
        return needs.Count == 0 || (filter.Kind == FilterTreeKind.Any && needs.Count < children.Count) ? null : new TextNeed(filter.Kind, needs, []);
    }

    public static TextNeed? Of(TraceCondition condition) => TextTerm.Of(condition) is { Count: > 0 } grams ? new TextNeed(FilterTreeKind.Condition, [], grams) : null;

    /// <summary>The traces of a segment that have it, a bit for each.</summary>
    /// <param name="page">Reads a page of the segment.</param>
    public ulong[] Find(Func<int, ReadOnlyMemory<byte>> page)
    {
        var found = new ulong[TextSegment.Words];
        Find(page, found);
        return found;
    }

    private void Find(Func<int, ReadOnlyMemory<byte>> page, Span<ulong> found)
    {
        Span<ulong> next = stackalloc ulong[TextSegment.Words];
        switch (_kind)
        {
            case FilterTreeKind.Any:
                foreach (var child in _children)
                {
                    next.Clear();
                    child.Find(page, next);
                    for (var i = 0; i < found.Length; i++)
                    {
                        found[i] |= next[i];
                    }
                }

                break;
            default:
                found.Fill(ulong.MaxValue);
                for (var i = 0; i < _children.Count + _grams.Count && found.ContainsAnyExcept(0UL); i++)
                {
                    next.Clear();
                    if (i < _children.Count)
                    {
                        _children[i].Find(page, next);
                    }
                    else
                    {
                        var gram = _grams[i - _children.Count];
                        TextSegment.Find(page(gram.Page).Span, gram.First, gram.Count, next);
                    }

                    for (var word = 0; word < found.Length; word++)
                    {
                        found[word] &= next[word];
                    }
                }

                break;
        }
    }
}
