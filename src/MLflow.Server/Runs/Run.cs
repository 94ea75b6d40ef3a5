namespace MLflow.Server.Runs;

/// <summary>One execution of a program, to which traces can belong. MLflow's runs have more parts; these are what clients of traces need.</summary>
public sealed record Run
{
    /// <summary>32 hexadecimal digits.</summary>
    /// <summary>The tag in which MLflow keeps the name beside its field.</summary>
    public const string NameTag = "mlflow.runName";

    public required string RunId { get; init; }

    public required long ExperimentId { get; init; }

    public required string Name { get; init; }

    public string UserId { get; init; } = string.Empty;

    public RunStatus Status { get; init; } = RunStatus.Running;

    /// <summary>Milliseconds since the Unix epoch.</summary>
    public long? StartTimeMs { get; init; }

    /// <summary>Milliseconds since the Unix epoch.</summary>
    public long? EndTimeMs { get; init; }

    /// <summary>For example <c>mlflow-artifacts:/0/b407…/artifacts</c>.</summary>
    public string ArtifactUri { get; init; } = string.Empty;

    /// <summary>False after deletion; nothing can be written then.</summary>
    public bool IsActive { get; init; } = true;

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Params { get; init; } = new Dictionary<string, string>();

    /// <summary>The last value of each metric: of the highest step, then of the latest time, then the largest.</summary>
    public IReadOnlyList<RunMetric> Metrics { get; init; } = [];
}
