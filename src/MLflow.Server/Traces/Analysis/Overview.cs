namespace MLflow.Server.Traces.Analysis;

/// <summary>What happened in an experiment over a time.</summary>
public sealed record Overview
{
    public required OverviewQuery Query { get; init; }

    public required OverviewFigures Total { get; init; }

    /// <summary>By the number of the piece of time, from 0; one without traces is missing.</summary>
    public required IReadOnlyDictionary<int, OverviewFigures> Buckets { get; init; }

    /// <summary>Those with the most calls first.</summary>
    public required IReadOnlyList<ModelFigures> Models { get; init; }

    /// <summary>Those with the most calls first.</summary>
    public required IReadOnlyList<ToolFigures> Tools { get; init; }

    /// <summary>The calls of <see cref="Models"/> over time, by name and piece; pieces without are missing.</summary>
    public IReadOnlyList<PieceCalls> ModelCalls { get; init; } = [];

    /// <summary>The runs of <see cref="Tools"/> over time.</summary>
    public IReadOnlyList<PieceCalls> ToolCalls { get; init; } = [];

    /// <summary>The piece of time with the most failures and what most of them had in common; null where nothing failed.</summary>
    public FailureCluster? Worst { get; init; }
}
