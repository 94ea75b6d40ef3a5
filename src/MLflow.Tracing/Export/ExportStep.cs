using System.Collections.Frozen;

namespace MLflow;

/// <summary>The next step of the exporter's worker and what it needs.</summary>
/// <param name="Kind">The step.</param>
internal readonly record struct ExportStep(ExportStepKind Kind)
{
    public ExportLane? Lane { get; init; }

    public List<QueuedExport> Batch { get; init; } = [];

    public TrackingServer? Server { get; init; }

    /// <summary>The server whose exports are taken from the disk.</summary>
    public Uri? Address { get; init; }

    /// <summary>Destinations whose exports stay on the disk.</summary>
    public IReadOnlySet<TraceDestination> Held { get; init; } = FrozenSet<TraceDestination>.Empty;

    /// <summary>How long to sleep, unless woken.</summary>
    public TimeSpan Wait { get; init; } = Timeout.InfiniteTimeSpan;
}
