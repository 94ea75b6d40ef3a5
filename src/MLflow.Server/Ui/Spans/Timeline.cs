namespace MLflow.Server.Ui.Spans;

/// <summary>The one time surface: a ruler of round figures and, for each span, its bar on it.</summary>
public sealed class Timeline
{
    // Room after the last end, so that end marks are not drawn on the edge.
    private const double Margin = 1.04;
    private readonly double _width;
    private readonly double _endMs;
    private readonly IReadOnlySet<SpanNode> _critical;

    private Timeline(double totalMs, IReadOnlySet<SpanNode> critical)
    {
        _endMs = Math.Max(totalMs, 0.001);
        _width = _endMs * Margin;
        _critical = critical;
        Ticks = Ruler.Ticks(_width);
    }

    public IReadOnlyList<RulerTick> Ticks { get; }

    /// <summary>Makes the surface of a trace.</summary>
    /// <param name="tree">Its spans.</param>
    /// <param name="nowMs">For a running trace: now, in milliseconds from its start; running bars reach it.</param>
    public static Timeline Of(SpanTree tree, double? nowMs = null) =>
        new(Math.Max(tree.TotalMs, nowMs ?? 0), tree.Rows.Count > 2 ? CriticalPath.Of(tree).Nodes : new HashSet<SpanNode>());

    /// <summary>The pieces of a span's bar, from left to right; marks last.</summary>
    public IReadOnlyList<BarPart> Bar(SpanNode node)
    {
        var span = node.Span;
        var end = span.EndMs ?? _endMs;
        var parts = new List<BarPart>();
        if (span.Kind == SpanKind.Agent || (span.Kind == SpanKind.Other && node.Children.Count > 0))
        {
            parts.Add(Part(BarStyle.Bracket, span.StartMs, end));
        }
        else if (span.IsModelCall)
        {
            AddModelCall(parts, span, end);
        }
        else
        {
            parts.Add(Part(BarStyle.Solid, span.StartMs, end));
        }

        if (span.EndMs is null)
        {
            parts.Add(Part(BarStyle.Open, end, end));
        }
        else if (StreamEnds.IsStoppedByProgram(span.StreamEnd))
        {
            parts.Add(Part(BarStyle.Stopped, end, end));
        }
        else if (span.IsFailed && node.IsErrorOrigin || span.StreamEnd is not null)
        {
            parts.Add(Part(BarStyle.Broken, end, end));
        }

        if (_critical.Contains(node))
        {
            parts.Add(Part(BarStyle.Critical, span.StartMs, end));
        }

        return parts;
    }

    /// <summary>Percent of the ruler for an instant in milliseconds.</summary>
    public double Left(double ms) => Math.Clamp(ms / _width * 100, 0, 100);

    private void AddModelCall(List<BarPart> parts, SpanView span, double end)
    {
        var from = span.StartMs;
        for (var i = 0; i + 1 < span.Attempts.Count; i++)
        {
            var attempt = span.Attempts[i];
            var start = span.StartMs + attempt.StartMs;
            var next = Math.Min(end, span.StartMs + span.Attempts[i + 1].StartMs);
            var failed = Math.Min(next, start + (attempt.DurationMs ?? next - start));
            parts.Add(Part(BarStyle.FailedAttempt, start, failed));
            if (next > failed)
            {
                parts.Add(Part(BarStyle.BackOff, failed, next));
            }

            from = Math.Max(from, next);
        }

        if (span.FirstTokenMs is { } wait)
        {
            var first = Math.Clamp(span.StartMs + wait, from, end);
            parts.Add(Part(BarStyle.Hollow, from, first));
            parts.Add(Part(BarStyle.Solid, first, end));
        }
        else
        {
            parts.Add(Part(BarStyle.Hollow, from, end));
        }
    }

    private BarPart Part(BarStyle style, double from, double to) => new(style, Left(from), Math.Max(0, Left(to) - Left(from)));
}
