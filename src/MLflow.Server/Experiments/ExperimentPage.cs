namespace MLflow.Server.Experiments;

/// <summary>One page of experiments.</summary>
/// <param name="Experiments">The experiments.</param>
/// <param name="NextPageToken">Null on the last page.</param>
public sealed record ExperimentPage(IReadOnlyList<Experiment> Experiments, string? NextPageToken);
