namespace MLflow;

/// <summary>A named set of traces on a tracking server, as it was when it was read.</summary>
public sealed class ExperimentRecord
{
    internal ExperimentRecord()
    {
    }

    /// <summary>The id: a decimal number.</summary>
    public string ExperimentId { get; internal init; } = "";

    /// <summary>The name, unique on its server.</summary>
    public string Name { get; internal init; } = "";

    /// <summary>Where its artifacts lie, for example <c>mlflow-artifacts:/1</c>.</summary>
    public string? ArtifactLocation { get; internal init; }

    /// <summary>False once it is deleted: its traces can be read, and nothing can be written.</summary>
    public bool IsActive { get; internal init; } = true;

    /// <summary>When it was created.</summary>
    public DateTimeOffset? CreationTime { get; internal init; }

    /// <summary>When it was last changed.</summary>
    public DateTimeOffset? LastUpdateTime { get; internal init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; internal init; } = new Dictionary<string, string>();

    /// <summary>Name and id.</summary>
    public override string ToString() => $"{Name} ({ExperimentId})";
}
