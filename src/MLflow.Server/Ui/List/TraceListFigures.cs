using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Ui.List;

/// <summary>What a list tells of all traces that match, not only of those that it shows.</summary>
internal sealed record TraceListFigures
{
    /// <summary>How many match, counted up to <see cref="TraceListReader.CountLimit"/>.</summary>
    public int Count { get; init; }

    /// <summary>When they began; null where there is nothing to draw.</summary>
    public (HistogramQuery Query, TraceHistogram Histogram)? Histogram { get; init; }

    /// <summary>Why they could not be worked out, in words.</summary>
    public string? Error { get; init; }
}
