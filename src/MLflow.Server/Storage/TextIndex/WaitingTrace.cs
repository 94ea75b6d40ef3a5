namespace MLflow.Server.Storage.TextIndex;

/// <summary>A trace that waits to be indexed.</summary>
/// <param name="TraceId">Its id.</param>
/// <param name="TextPlace">What its text_place was when it was read: unless that is so still, it has changed.</param>
/// <param name="RequestTimeMs">When it began.</param>
internal sealed record WaitingTrace(string TraceId, long TextPlace, long RequestTimeMs);
