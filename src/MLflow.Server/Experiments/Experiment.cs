namespace MLflow.Server.Experiments;

/// <summary>A named set of traces.</summary>
public sealed record Experiment
{
    public required long ExperimentId { get; init; }

    public required string Name { get; init; }

    /// <summary>For example <c>mlflow-artifacts:/1</c>.</summary>
    public required string ArtifactLocation { get; init; }

    /// <summary>False after deletion; traces stay readable, nothing can be written.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>Milliseconds since the Unix epoch.</summary>
    public long CreationTimeMs { get; init; }

    /// <summary>Milliseconds since the Unix epoch.</summary>
    public long LastUpdateTimeMs { get; init; }

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();
}
