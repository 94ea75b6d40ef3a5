namespace MLflow;

/// <summary>What one async flow has set for itself. Immutable; what is null is as everywhere.</summary>
internal sealed record FlowSettings
{
    public static readonly FlowSettings None = new();

    public Uri? TrackingUri { get; init; }

    public string? ExperimentName { get; init; }

    public string? ExperimentId { get; init; }

    public string? RunId { get; init; }

    public double? SamplingRatio { get; init; }

    public TraceDestination Over(TraceDestination general) => ExperimentName is null && ExperimentId is null
        ? general
        : new TraceDestination(TrackingUri ?? general.TrackingUri, ExperimentName, ExperimentId);
}
