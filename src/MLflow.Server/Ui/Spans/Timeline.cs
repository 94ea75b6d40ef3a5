namespace MLflow.Server.Ui.Spans;

/// <summary>The one time surface: a ruler of round figures and, for each span, its bar on it.</summary>
public sealed class Timeline
{
    // Room after the last end, so that end marks are not drawn on the edge: a share of the time that is drawn, not of what is squeezed.
    private const double Margin = 0.04;
    private const double Nearer = 0.5;
    private const double LongestZoomFactor = 4096;
    private readonly SpanTree _tree;
    private readonly double _endMs;
    private readonly IReadOnlySet<SpanNode> _critical;

    private Timeline(SpanTree tree, double totalMs, IReadOnlySet<SpanNode> critical, (double FromMs, double ToMs)? zoom)
    {
        _tree = tree;
        _endMs = Math.Max(totalMs, 0.001);
        (double FromMs, double ToMs)[] busy = [.. tree.Rows.Where(node => !node.IsBracket).Select(node => (node.Span.StartMs, node.Span.EndMs ?? _endMs)).OrderBy(stretch => stretch.StartMs)];
        WholeMs = _endMs + TimeScale.Of(0, _endMs, busy).Segments.Where(segment => !segment.IsIdle).Sum(segment => segment.ToMs - segment.FromMs) * Margin;
        _critical = critical;
        IsZoomed = zoom is not null && zoom.Value.FromMs < _endMs;
        var (from, to) = IsZoomed ? zoom!.Value : (0, WholeMs);

        Scale = TimeScale.Of(from, Math.Min(to, WholeMs), busy);
        Ticks = Ruler.Ticks(Scale);
    }

    /// <summary>Milliseconds of the ruler that shows everything.</summary>
    public double WholeMs { get; }

    public TimeScale Scale { get; }

    public IReadOnlyList<RulerTick> Ticks { get; }

    /// <summary>Whether a part of the time is shown.</summary>
    public bool IsZoomed { get; }

    /// <summary>Makes the surface of a trace.</summary>
    public static Timeline Of(SpanTree tree) => new(tree, tree.TotalMs, tree.Rows.Count > 2 ? tree.CriticalPath.Nodes : new HashSet<SpanNode>(), null);

    /// <summary>The same with a part of the time, see <see cref="TraceUrl.Zoom"/>; what is no such part shows all.</summary>
    public Timeline Zoomed(string? zoom) => TimeScale.Parse(zoom) is { } part ? new Timeline(_tree, _endMs, _critical, part) : this;

    /// <summary>The zoom that shows half as much time, around the middle or, where one is selected, around a step.</summary>
    public string? ZoomIn(SpanNode? around)
    {
        var width = (Scale.ToMs - Scale.FromMs) * Nearer;
        if (width < WholeMs / LongestZoomFactor)
        {
            return null;
        }

        var span = around?.Span;
        var middle = span is null || span.StartMs > Scale.ToMs || (span.EndMs ?? _endMs) < Scale.FromMs
            ? (Scale.FromMs + Scale.ToMs) / 2
            : (Math.Max(span.StartMs, Scale.FromMs) + Math.Min(span.EndMs ?? _endMs, Scale.ToMs)) / 2;
        var from = Math.Clamp(middle - width / 2, 0, Math.Max(0, WholeMs - width));
        return TimeScale.Text(from, from + width);
    }

    /// <summary>The zoom that shows twice as much time; null for all of it.</summary>
    public string? ZoomOut()
    {
        var width = (Scale.ToMs - Scale.FromMs) / Nearer;
        var from = Math.Clamp((Scale.FromMs + Scale.ToMs - width) / 2, 0, Math.Max(0, WholeMs - width));
        return width >= WholeMs ? null : TimeScale.Text(from, from + width);
    }

    /// <summary>The pieces of a span's bar, from left to right; marks last. Those outside of what is shown are left out.</summary>
    public IReadOnlyList<BarPart> Bar(SpanNode node)
    {
        var span = node.Span;
        var end = span.EndMs ?? _endMs;
        var parts = new List<BarPart>();
        if (span.Kind == SpanKind.Agent || (span.Kind == SpanKind.Other && node.Children.Count > 0))
        {
            Add(parts, BarStyle.Bracket, span.StartMs, end);
        }
        else if (span.IsModelCall)
        {
            AddModelCall(parts, span, end);
        }
        else
        {
            Add(parts, BarStyle.Solid, span.StartMs, end);
        }

        if (span.EndMs is null)
        {
            Add(parts, BarStyle.Open, end, end);
        }
        else if (StreamEnds.IsStoppedByProgram(span.StreamEnd))
        {
            Add(parts, BarStyle.Stopped, end, end);
        }
        else if (span.IsFailed && node.IsErrorOrigin || span.StreamEnd is not null)
        {
            Add(parts, BarStyle.Broken, end, end);
        }

        if (_critical.Contains(node))
        {
            Add(parts, BarStyle.Critical, span.StartMs, end);
        }

        return parts;
    }

    /// <summary>Percent of the ruler for an instant in milliseconds.</summary>
    public double Left(double ms) => Scale.Left(ms);

    private void AddModelCall(List<BarPart> parts, SpanView span, double end)
    {
        var from = span.StartMs;
        for (var i = 0; i + 1 < span.Attempts.Count; i++)
        {
            var attempt = span.Attempts[i];
            var start = span.StartMs + attempt.StartMs;
            var next = Math.Min(end, span.StartMs + span.Attempts[i + 1].StartMs);
            var failed = Math.Min(next, start + (attempt.DurationMs ?? next - start));
            Add(parts, BarStyle.FailedAttempt, start, failed);
            if (next > failed)
            {
                Add(parts, BarStyle.BackOff, failed, next);
            }

            from = Math.Max(from, next);
        }

        if (span.FirstTokenMs is { } wait)
        {
            var first = Math.Clamp(span.StartMs + wait, from, end);
            Add(parts, BarStyle.Hollow, from, first);
            Add(parts, BarStyle.Solid, first, end);
        }
        else
        {
            Add(parts, BarStyle.Hollow, from, end);
        }
    }

    private void Add(List<BarPart> parts, BarStyle style, double from, double to)
    {
        if (to >= Scale.FromMs && from <= Scale.ToMs)
        {
            parts.Add(new BarPart(style, Left(from), Math.Max(0, Left(to) - Left(from))));
        }
    }
}
