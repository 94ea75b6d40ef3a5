using MLflow.Server.Experiments;
using MLflow.Server.Traces;
using MLflow.Server.Views;

namespace MLflow.Server.Ui.List;

/// <summary>What a list page has read.</summary>
internal sealed record TraceListData
{
    /// <summary>Null when there is no such experiment.</summary>
    public required Experiment? Experiment { get; init; }

    public TracePage Page { get; init; } = new([], null);

    /// <summary>What is told of all that match; null where it is not known yet.</summary>
    public TraceListFigures? Figures { get; init; }

    public IReadOnlyList<SavedView> Views { get; init; } = [];

    /// <summary>What is wrong with the order, the token or the time that it took, in words.</summary>
    public string? Error { get; init; }
}
