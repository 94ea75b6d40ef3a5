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

    /// <summary>How many users the traces name.</summary>
    public long Users { get; init; }

    /// <summary>How many sessions they name.</summary>
    public long Sessions { get; init; }

    /// <summary>The piece of time with the most failures and what most of them had in common; null where nothing failed.</summary>
    public FailureCluster? Worst { get; init; }
}
