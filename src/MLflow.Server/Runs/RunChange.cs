namespace MLflow.Server.Runs;

/// <summary>What an update changes; what is null stays.</summary>
public sealed record RunChange(string? Name, RunStatus? Status, long? EndTimeMs);
