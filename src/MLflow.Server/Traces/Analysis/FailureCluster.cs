namespace MLflow.Server.Traces.Analysis;

/// <summary>The piece of time in which most traces failed.</summary>
/// <param name="Bucket">Its number, from 0.</param>
/// <param name="Failed">Traces that failed in it.</param>
/// <param name="ErrorType">What more of them than of any other failed with; null where none told.</param>
/// <param name="OfType">How many that are.</param>
/// <param name="Model">The model of more of them than of any other; null where none had one.</param>
/// <param name="OfModel">How many that are.</param>
public sealed record FailureCluster(int Bucket, long Failed, string? ErrorType, long OfType, string? Model, long OfModel);
