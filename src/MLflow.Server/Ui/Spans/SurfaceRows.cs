namespace MLflow.Server.Ui.Spans;

/// <summary>The rows of the surface: what is neither folded away nor filtered out, in the order of the steps.</summary>
public sealed class SurfaceRows
{
    private readonly IReadOnlySet<SpanNode> _context;

    // For each row, how many rows before it have a second line.
    private readonly int[] _linesBefore;

    private SurfaceRows(List<SpanNode> rows, IReadOnlySet<SpanNode> context, SurfaceFilter filter, int chosen)
    {
        Rows = rows;
        _context = context;
        Filter = filter;
        Chosen = chosen;
        _linesBefore = new int[rows.Count + 1];
        for (var i = 0; i < rows.Count; i++)
        {
            _linesBefore[i + 1] = _linesBefore[i] + (rows[i].HasSecondLine ? 1 : 0);
        }
    }

    public IReadOnlyList<SpanNode> Rows { get; }

    public SurfaceFilter Filter { get; }

    /// <summary>How many steps the filter chose, folded ones among them.</summary>
    public int Chosen { get; }

    /// <summary>True for a row that only leads to others.</summary>
    public bool IsContext(SpanNode node) => _context.Contains(node);

    public bool IsFolded(SpanNode node) => Filter.Fold.IsFolded(node);

    /// <summary>How many of the rows before this one have a second line.</summary>
    public int LinesBefore(int row) => _linesBefore[Math.Clamp(row, 0, Rows.Count)];

    public static SurfaceRows Of(SpanTree tree, SurfaceFilter filter)
    {
        var context = new HashSet<SpanNode>();
        var chosen = new HashSet<SpanNode>();
        if (filter.Chooses)
        {
            foreach (var node in tree.Rows.Where(node => filter.HasLevel(node) && filter.Matches(node)))
            {
                chosen.Add(node);
                for (var above = node.Parent; above is not null && context.Add(above); above = above.Parent)
                {
                }
            }

            context.ExceptWith(chosen);
        }

        var rows = new List<SpanNode>(tree.Rows.Count);
        var foldedDepth = int.MaxValue;
        foreach (var node in tree.Rows)
        {
            if (node.Depth > foldedDepth)
            {
                continue;
            }

            foldedDepth = filter.Fold.IsFolded(node) ? node.Depth : int.MaxValue;
            if (filter.HasLevel(node) && (!filter.Chooses || chosen.Contains(node) || context.Contains(node)))
            {
                rows.Add(node);
            }
        }

        return new SurfaceRows(rows, context, filter, filter.Chooses ? chosen.Count : rows.Count);
    }
}
