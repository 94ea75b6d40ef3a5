namespace MLflow.Server.Storage;

/// <summary>A trace as it was when it was found expired.</summary>
/// <param name="TraceId">Its id.</param>
/// <param name="RequestTimeMs">When it began.</param>
/// <param name="SeenMs">When the server last heard of it.</param>
internal sealed record ExpiredTrace(string TraceId, long RequestTimeMs, long SeenMs);
