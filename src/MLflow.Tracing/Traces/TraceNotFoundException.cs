namespace MLflow;

/// <summary>The tracking server has no trace of that id.</summary>
public sealed class TraceNotFoundException : MlflowException
{
    internal TraceNotFoundException(string traceId, string trackingUri, MlflowException answer)
        : base($"The tracking server at {trackingUri} has no trace '{traceId}'. Was it sent to this server?", answer)
    {
        TraceId = traceId;
        TrackingUri = trackingUri;
        ErrorCode = answer.ErrorCode;
        StatusCode = answer.StatusCode;
        ServerMessage = answer.ServerMessage;
        RequestUrl = answer.RequestUrl;
    }

    /// <summary>The id that was asked for.</summary>
    public string TraceId { get; }

    /// <summary>Address of the server.</summary>
    public string TrackingUri { get; }
}
