using MLflow.Server.Experiments;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.List;

/// <summary>What a list page has read.</summary>
internal sealed record TraceListData
{
    /// <summary>Null when there is no such experiment.</summary>
    public required Experiment? Experiment { get; init; }

    public IReadOnlyList<TraceInfo> Traces { get; init; } = [];

    public string? NextPageToken { get; init; }

    /// <summary>How many match, counted up to <see cref="TraceListReader.CountLimit"/>.</summary>
    public int Count { get; init; }

    /// <summary>What is wrong with the filter or the token, in words.</summary>
    public string? Error { get; init; }
}
