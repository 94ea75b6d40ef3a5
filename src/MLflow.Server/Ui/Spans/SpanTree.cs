using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Spans;

/// <summary>
/// The spans of a trace in reading order. Several roots, spans whose parent has not arrived and even parents in a circle are
/// shown, not errors: partial export is common.
/// </summary>
public sealed class SpanTree
{
    private readonly Dictionary<string, SpanNode> _byId = new(StringComparer.Ordinal);

    // By start, and for each the place of its parent.
    private List<SpanNode> _ordered = [];
    private int[] _parents = [];
    private int _skeletons;
    private ILookup<string, SpanNode>? _toolRuns;
    private CriticalPath? _criticalPath;

    private SpanTree(long originNs) => OriginNs = originNs;

    /// <summary>Start of the earliest span, nanoseconds since the Unix epoch.</summary>
    public long OriginNs { get; }

    /// <summary>Parents before children, siblings by start.</summary>
    public IReadOnlyList<SpanNode> Rows { get; private set; } = [];

    public IReadOnlyList<SpanNode> Roots { get; private set; } = [];

    public IReadOnlyList<SpanNode> ModelCalls { get; private set; } = [];

    /// <summary>The calls that used tokens: not the steps around them, which may tell the same tokens once more.</summary>
    public IReadOnlyList<SpanNode> Counted { get; private set; } = [];

    public long InputTokens => Counted.Sum(node => node.Span.InputTokens ?? 0);

    public long OutputTokens => Counted.Sum(node => node.Span.OutputTokens ?? 0);

    /// <summary>Of the calls whose cost is known; null where that is none.</summary>
    public CallCost? Cost => Counted.Where(node => node.Span.Cost is not null).Aggregate((CallCost?)null, (sum, node) => (sum ?? default) + node.Span.Cost!.Value);

    /// <summary>Where errors began, in the order of their ends.</summary>
    public IReadOnlyList<SpanNode> ErrorOrigins { get; private set; } = [];

    /// <summary>Milliseconds from the start of the earliest span to the last thing known; of a trace that still runs, to the time it is read at.</summary>
    public double TotalMs { get; private set; }

    /// <summary>Steps above the deepest one.</summary>
    public int MaxDepth { get; private set; }

    /// <summary>How long the trace took, as the row of its root says it; null where no root is there that spans the whole of it.</summary>
    public string? Took => Roots is [{ MissingParentId: null, Span: { DurationMs: { } duration, EndMs: var end } }] && end == TotalMs && !IsRunning ? Figures.Duration(duration) : null;

    /// <summary>Whether contents of any step are still to be read (<see cref="StepContents"/>).</summary>
    public bool IsSkeleton => _skeletons > 0;

    /// <summary>By name, the tools that ran and whose contents are here, by start.</summary>
    public ILookup<string, SpanNode> ToolRuns => _toolRuns ??= Rows.Where(node => node.Span is { Kind: SpanKind.Tool, Record.IsSkeleton: false }).OrderBy(node => node.Span.StartMs).ToLookup(node => node.Span.Record.Name, StringComparer.Ordinal);

    /// <summary>The chain of steps that decided when the trace ended.</summary>
    public CriticalPath CriticalPath => _criticalPath ??= CriticalPath.Of(this);

    public bool IsRunning => Rows.Any(node => node.Span.EndMs is null);

    /// <summary>Orders spans; the same input gives the same step numbers whatever its order.</summary>
    public static SpanTree Build(IReadOnlyList<SpanRecord> spans)
    {
        var tree = new SpanTree(spans.Count == 0 ? 0 : spans.Min(span => span.StartNs));
        foreach (var span in spans)
        {
            tree._byId[span.SpanId] = new SpanNode(new SpanView(span, tree.OriginNs));
        }

        tree._skeletons = tree._byId.Values.Count(node => node.Span.Record.IsSkeleton);
        tree.Arrange();
        tree.Number();
        return tree;
    }

    /// <summary>Gives a step its contents. What was summed up, and where errors began, stays: it stood in the columns already.</summary>
    internal void Fill(SpanRecord span)
    {
        if (Find(span.SpanId) is { Span.Record.IsSkeleton: true } node)
        {
            node.Span = new SpanView(span, OriginNs);
            _skeletons--;
            _toolRuns = null;
        }
    }

    /// <summary>Says that what has not ended still runs at <paramref name="now"/>.</summary>
    internal void RunUntil(DateTimeOffset now)
    {
        if (IsRunning)
        {
            TotalMs = Math.Max(TotalMs, (now.ToUnixTimeMilliseconds() * 1_000_000.0 - OriginNs) / 1e6);
            _criticalPath = null;
        }
    }

    /// <summary>The span of that id, or null.</summary>
    public SpanNode? Find(string? spanId) => spanId is not null && _byId.TryGetValue(spanId, out var node) ? node : null;

    private static int ByStart(SpanNode a, SpanNode b)
    {
        var order = a.Span.Record.StartNs.CompareTo(b.Span.Record.StartNs);
        return order != 0 ? order : string.CompareOrdinal(a.Id, b.Id);
    }

    private void Arrange()
    {
        var children = new Dictionary<SpanNode, List<SpanNode>>();
        var roots = new List<SpanNode>();
        _ordered = [.. _byId.Values];
        _ordered.Sort(ByStart);
        _parents = SpanParents.Of(_ordered, node => node.Id, node => node.Span.Record.ParentSpanId);
        foreach (var (node, place) in _ordered.Zip(_parents))
        {
            if (place < 0)
            {
                var parentId = node.Span.Record.ParentSpanId;
                node.MissingParentId = string.IsNullOrEmpty(parentId) || _byId.ContainsKey(parentId) ? null : parentId;
                roots.Add(node);
                continue;
            }

            var parent = _ordered[place];
            node.Parent = parent;
            if (!children.TryGetValue(parent, out var siblings))
            {
                children[parent] = siblings = [];
            }

            siblings.Add(node);
        }

        foreach (var (parent, siblings) in children)
        {
            parent.Children = siblings;
        }

        // True roots first: an orphan often starts earlier only because its parent is still to come.
        Roots = [.. roots.Where(root => root.MissingParentId is null), .. roots.Where(root => root.MissingParentId is not null)];
    }

    private void Number()
    {
        var rows = new List<SpanNode>(_byId.Count);
        var waiting = new Stack<SpanNode>(Roots.Reverse());
        while (waiting.TryPop(out var node))
        {
            node.Number = rows.Count + 1;
            node.Depth = node.Parent is null ? 0 : node.Parent.Depth + 1;
            MaxDepth = Math.Max(MaxDepth, node.Depth);
            rows.Add(node);
            for (var i = node.Children.Count - 1; i >= 0; i--)
            {
                waiting.Push(node.Children[i]);
            }
        }

        Rows = rows;
        Counted = [.. SpanParents.LeafCalls(_parents, i => _ordered[i].Span.IsCounted).Select(i => _ordered[i]).OrderBy(node => node.Number)];
        ModelCalls = [.. rows.Where(node => node.Span.IsModelCall).OrderBy(node => node.Span.StartMs)];
        for (var i = 0; i < ModelCalls.Count; i++)
        {
            ModelCalls[i].ModelCall = i + 1;
            ModelCalls[i].IsOnlyModelCall = ModelCalls.Count == 1;
        }

        foreach (var node in rows.Where(node => node.Span.IsFailed))
        {
            node.IsErrorOrigin = !node.Children.Any(child => child.Span.IsFailed && PassedOn(child.Span.Error, node.Span.Error));
        }

        AddUp(rows);
        ErrorOrigins = [.. rows.Where(node => node.IsErrorOrigin).OrderBy(node => node.Span.EndMs ?? double.MaxValue)];
        TotalMs = rows.Count == 0 ? 0 : rows.Max(LastKnownMs);
    }

    private void AddUp(List<SpanNode> rows)
    {
        var counted = Counted.ToHashSet();
        for (var i = rows.Count - 1; i >= 0; i--)
        {
            var node = rows[i];
            var span = node.Span;
            var errors = node.IsErrorOrigin ? 1 : 0;
            node.Sums += counted.Contains(node) ? new SpanSums(1, errors, span.InputTokens ?? 0, span.OutputTokens ?? 0, span.Cost) : new SpanSums(1, errors, 0, 0, null);
            if (node.Parent is { } parent)
            {
                parent.Sums += node.Sums;
            }
        }
    }

    private static bool PassedOn(SpanError? below, SpanError? above) =>
        above is null || above.Type is null || (above.Type == below?.Type && above.Message == below?.Message);

    private static double LastKnownMs(SpanNode node) => node.Span.EndMs
        ?? node.Span.StartMs + Math.Max(0, node.Span.Record.Events.Count == 0 ? 0 : node.Span.Record.Events.Max(node.Span.EventMs));
}
