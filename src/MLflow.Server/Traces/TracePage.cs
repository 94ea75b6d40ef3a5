namespace MLflow.Server.Traces;

/// <summary>One page of a search.</summary>
/// <param name="Traces">The traces, without spans.</param>
/// <param name="NextPageToken">Null on the last page.</param>
public sealed record TracePage(IReadOnlyList<TraceInfo> Traces, string? NextPageToken);
