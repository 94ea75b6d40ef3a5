namespace MLflow.Server.Ui.Spans;

/// <summary>
/// The chain of spans that decided when the trace ended: backwards from the end, always the child that finished last before the
/// point reached. Its segments add up to the whole time.
/// </summary>
public sealed class CriticalPath
{
    // The walk is recursive; what lies deeper counts as the work of its ancestor at this depth.
    private const int Deepest = 256;
    private readonly List<PathSegment> _segments = [];
    private readonly HashSet<SpanNode> _nodes = [];

    private CriticalPath()
    {
    }

    /// <summary>From the start of the trace to its end, without gaps.</summary>
    public IReadOnlyList<PathSegment> Segments => _segments;

    /// <summary>Spans on the path that are not mere brackets around it.</summary>
    public IReadOnlySet<SpanNode> Nodes => _nodes;

    public static CriticalPath Of(SpanTree tree)
    {
        var path = new CriticalPath();
        path.Walk(null, tree.Roots, 0, tree.TotalMs, tree.TotalMs);
        path._segments.Reverse();
        return path;
    }

    private void Walk(SpanNode? node, IReadOnlyList<SpanNode> children, double from, double to, double totalMs)
    {
        if (node?.Depth > Deepest)
        {
            Add(node, from, to);
            return;
        }

        var cursor = to;
        foreach (var child in Latest(children, totalMs))
        {
            // A child may outlive its parent; only the first from the end may be cut that way, others ran beside the path.
            var end = child.Span.EndMs ?? totalMs;
            if (end > cursor && cursor < to || child.Span.StartMs >= cursor || end <= from)
            {
                continue;
            }

            end = Math.Min(end, cursor);
            Add(node, end, cursor);
            if (child.Span.Kind != SpanKind.Agent)
            {
                _nodes.Add(child);
            }

            var start = Math.Max(from, child.Span.StartMs);
            Walk(child, child.Children, start, end, totalMs);
            cursor = start;
        }

        Add(node, from, cursor);
    }

    // What ends last comes first; of those that end together, what began last.
    private static IReadOnlyList<SpanNode> Latest(IReadOnlyList<SpanNode> children, double totalMs)
    {
        if (children.Count < 2)
        {
            return children;
        }

        var latest = children.ToArray();
        Array.Sort(latest, (one, other) =>
        {
            var order = (other.Span.EndMs ?? totalMs).CompareTo(one.Span.EndMs ?? totalMs);
            order = order != 0 ? order : other.Span.StartMs.CompareTo(one.Span.StartMs);
            return order != 0 ? order : one.Number.CompareTo(other.Number);
        });
        return latest;
    }

    private void Add(SpanNode? node, double from, double to)
    {
        if (to > from)
        {
            _segments.Add(new PathSegment(node, from, to));
        }
    }
}
