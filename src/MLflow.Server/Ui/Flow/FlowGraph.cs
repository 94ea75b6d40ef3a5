using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Flow;

/// <summary>
/// How the agent went from step to step: steps of one name are one place, and ways that were taken often are one way with a count. Steps that ran at the
/// same time stand side by side. An agent within an agent is the steps that it consists of.
/// </summary>
public sealed class FlowGraph
{
    /// <summary>More places than a drawing makes clear.</summary>
    public const int MostNodes = 60;

    private readonly Dictionary<(SpanKind, string), FlowNode> _nodes = [];
    private readonly Dictionary<(FlowNode?, FlowNode?), int> _edges = [];

    private FlowGraph()
    {
    }

    /// <summary>In the order of the first visits.</summary>
    public IReadOnlyList<FlowNode> Nodes => [.. _nodes.Values];

    public IReadOnlyList<FlowEdge> Edges => [.. _edges.Select(edge => new FlowEdge(edge.Key.Item1, edge.Key.Item2, edge.Value))];

    /// <summary>Rows of the drawing between start and end.</summary>
    public int Rows { get; private set; }

    /// <summary>Places in the widest row.</summary>
    public int Columns { get; private set; }

    /// <summary>Whether there were more than <see cref="MostNodes"/>.</summary>
    public bool IsCut { get; private set; }

    public static FlowGraph Of(SpanTree tree)
    {
        var graph = new FlowGraph();
        var steps = tree.Rows.Where(IsStep).OrderBy(node => node.Span.StartMs).ThenBy(node => node.Number).ToList();
        IReadOnlyList<FlowNode?> last = [null];
        foreach (var stage in Stages(steps, tree.TotalMs))
        {
            var places = stage.Select(graph.Visit).OfType<FlowNode>().Distinct().ToList();
            if (places.Count > 0)
            {
                graph.Connect(last, places);
                last = places;
            }
        }

        graph.Connect(last, [null]);
        graph.Place();
        return graph;
    }

    // What a tool or a model call consists of is inside of its place.
    private static bool IsStep(SpanNode node)
    {
        for (var above = node.Parent; above is not null; above = above.Parent)
        {
            if (!above.IsBracket)
            {
                return false;
            }
        }

        return !node.IsBracket;
    }

    private static IEnumerable<List<SpanNode>> Stages(List<SpanNode> steps, double totalMs)
    {
        var stage = new List<SpanNode>();
        var firstEnd = 0.0;
        foreach (var step in steps)
        {
            // It began before any of those was done: nothing of theirs led to it.
            if (stage.Count > 0 && step.Span.StartMs >= firstEnd)
            {
                yield return stage;
                stage = [];
            }

            firstEnd = stage.Count == 0 ? step.Span.EndMs ?? totalMs : Math.Min(firstEnd, step.Span.EndMs ?? totalMs);
            stage.Add(step);
        }

        if (stage.Count > 0)
        {
            yield return stage;
        }
    }

    private FlowNode? Visit(SpanNode step)
    {
        var key = (step.Span.Kind, step.Span.Title);
        if (!_nodes.TryGetValue(key, out var place))
        {
            if (_nodes.Count >= MostNodes)
            {
                IsCut = true;
                return null;
            }

            _nodes[key] = place = new FlowNode(step.Span.Title, step.Span.Kind, step);
        }

        place.Count++;
        place.Errors += step.Span.IsFailed ? 1 : 0;
        place.Milliseconds += step.Span.DurationMs ?? 0;
        return place;
    }

    private void Connect(IReadOnlyList<FlowNode?> from, IReadOnlyList<FlowNode?> to)
    {
        foreach (var start in from)
        {
            foreach (var end in to)
            {
                _edges[(start, end)] = _edges.GetValueOrDefault((start, end)) + 1;
            }
        }
    }

    // Each place stands one row below the first from which it was reached; ways back go upwards.
    private void Place()
    {
        var reached = new HashSet<FlowNode>();
        var row = _edges.Keys.Where(edge => edge.Item1 is null).Select(edge => edge.Item2).OfType<FlowNode>().ToList();
        while (row.Count > 0)
        {
            Rows++;
            Columns = Math.Max(Columns, row.Count);
            for (var i = 0; i < row.Count; i++)
            {
                row[i].Row = Rows;
                row[i].Column = i;
                reached.Add(row[i]);
            }

            row = [.. row.SelectMany(place => _edges.Keys.Where(edge => ReferenceEquals(edge.Item1, place)).Select(edge => edge.Item2)).OfType<FlowNode>().Where(place => !reached.Contains(place)).Distinct()];
        }
    }
}
