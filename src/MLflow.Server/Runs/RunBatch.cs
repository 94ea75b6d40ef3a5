namespace MLflow.Server.Runs;

/// <summary>What a client adds to a run at once. It is stored whole or not at all.</summary>
public sealed record RunBatch
{
    public IReadOnlyList<RunMetric> Metrics { get; init; } = [];

    public IReadOnlyDictionary<string, string> Params { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();
}
