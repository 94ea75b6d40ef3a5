namespace MLflow.Server.Ui.Spans;

/// <summary>Which subtrees are folded, as the address says it: ids of spans, or <c>all</c> and the ids of those that are open nevertheless, separated by dots.</summary>
public sealed class FoldState
{
    private const string AllWord = "all";
    private const char Separator = '.';
    private readonly bool _all;
    private readonly IReadOnlyList<string> _ids;
    private readonly HashSet<string> _set;

    private FoldState(bool all, IReadOnlyList<string> ids)
    {
        _all = all;
        _ids = ids;
        _set = new HashSet<string>(ids, StringComparer.Ordinal);
    }

    /// <summary>Nothing is folded.</summary>
    public static FoldState None { get; } = new(false, []);

    /// <summary>Everything below the roots is folded.</summary>
    public static FoldState All { get; } = new(true, []);

    public static FoldState Parse(string? text)
    {
        var words = (text ?? "").Split(Separator, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? None : words[0] == AllWord ? new FoldState(true, words[1..]) : new FoldState(false, words);
    }

    /// <summary>Whether the steps below are hidden. Roots stay open when all is folded: one row for a trace says nothing.</summary>
    public bool IsFolded(SpanNode node) => node.Children.Count > 0 && (_all && node.Parent is not null) != _set.Contains(node.Id);

    public FoldState Toggle(SpanNode node) => new(_all, _set.Contains(node.Id) ? [.. _ids.Where(id => id != node.Id)] : [.. _ids, node.Id]);

    /// <summary>As the address has it; null for nothing folded.</summary>
    public override string? ToString() => _all ? string.Join(Separator, _ids.Prepend(AllWord)) : _ids.Count == 0 ? null : string.Join(Separator, _ids);
}
