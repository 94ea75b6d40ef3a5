using MLflow.Server.Assessments;

namespace MLflow.Server.Traces;

/// <summary>What is known of a trace without reading the payload of any span.</summary>
public sealed record TraceInfo
{
    /// <summary><c>tr-</c> and 32 hexadecimal digits for MLflow 3 clients; older clients choose other forms.</summary>
    public required string TraceId { get; init; }

    public required long ExperimentId { get; init; }

    public string? ClientRequestId { get; init; }

    /// <summary>Start of the root span, in milliseconds since the Unix epoch.</summary>
    public required long RequestTimeMs { get; init; }

    /// <summary>Milliseconds; null while the trace is in progress.</summary>
    public long? DurationMs { get; init; }

    public TraceState State { get; init; }

    /// <summary>The trace is in progress, and its end is not to be expected: its process has not been heard of for longer than it said, or for an hour where it said nothing.</summary>
    public bool IsInterrupted { get; init; }

    public string? RequestPreview { get; init; }

    public string? ResponsePreview { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Judgements on the trace and its spans, the oldest first; those that others replace are among them.</summary>
    public IReadOnlyList<AssessmentRecord> Assessments { get; init; } = [];

    /// <summary>What the server derived from the spans.</summary>
    public TraceFacts Facts { get; init; } = new();
}
