using MLflow.Server.Experiments;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Views;

namespace MLflow.Server.Ui.List;

/// <summary>What a list page has read.</summary>
internal sealed record TraceListData
{
    /// <summary>Null when there is no such experiment.</summary>
    public required Experiment? Experiment { get; init; }

    public TracePage Page { get; init; } = new([], null);

    /// <summary>How many match, counted up to <see cref="TraceListReader.CountLimit"/>.</summary>
    public int Count { get; init; }

    /// <summary>When they began; null where there is nothing to draw.</summary>
    public (HistogramQuery Query, TraceHistogram Histogram)? Histogram { get; init; }

    public IReadOnlyList<SavedView> Views { get; init; } = [];

    /// <summary>What is wrong with the order, the token or the time that it took, in words.</summary>
    public string? Error { get; init; }
}
