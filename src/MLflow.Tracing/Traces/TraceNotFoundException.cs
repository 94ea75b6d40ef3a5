namespace MLflow;

/// <summary>The tracking server has no trace of that id.</summary>
public sealed class TraceNotFoundException : Exception
{
    /// <param name="traceId">The id that was asked for.</param>
    /// <param name="trackingUri">Address of the server, without credentials.</param>
    public TraceNotFoundException(string traceId, string trackingUri)
        : base($"The tracking server at {trackingUri} has no trace '{traceId}'. Was it flushed (Mlflow.FlushAsync), and to this server?")
    {
        TraceId = traceId;
        TrackingUri = trackingUri;
    }

    /// <summary>The id that was asked for.</summary>
    public string TraceId { get; }

    /// <summary>Address of the server.</summary>
    public string TrackingUri { get; }
}
