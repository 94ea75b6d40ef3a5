namespace MLflow.Server.Runs;

/// <summary>One page of runs.</summary>
/// <param name="Runs">The runs.</param>
/// <param name="NextPageToken">Null on the last page.</param>
public sealed record RunPage(IReadOnlyList<Run> Runs, string? NextPageToken);
