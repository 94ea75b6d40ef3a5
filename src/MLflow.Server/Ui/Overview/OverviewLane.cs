namespace MLflow.Server.Ui.Overview;

/// <summary>A chart on the common axis of time.</summary>
public sealed record OverviewLane
{
    public required string Title { get; init; }

    /// <summary>What is drawn, in words.</summary>
    public required string Note { get; init; }

    /// <summary>The figure at the top.</summary>
    public required string Top { get; init; }

    public required IReadOnlyList<OverviewShape> Shapes { get; init; }

    /// <summary>What the lane says of each piece of time.</summary>
    public required IReadOnlyList<OverviewReading> Readings { get; init; }
}
