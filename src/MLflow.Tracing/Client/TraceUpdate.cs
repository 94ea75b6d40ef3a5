namespace MLflow;

/// <summary>What <see cref="Mlflow.UpdateCurrentTrace"/> says about a trace. What is null or absent stays as it was.</summary>
public sealed class TraceUpdate
{
    /// <summary>The conversation that the trace belongs to (<c>mlflow.trace.session</c>). At most 250 characters are kept.</summary>
    public string? Session { get; init; }

    /// <summary>The end user (<c>mlflow.trace.user</c>). At most 250 characters are kept.</summary>
    public string? User { get; init; }

    /// <summary>Your own id of the request, by which the trace is found again (<c>client_request_id</c>). MLflow keeps 50 characters.</summary>
    public string? ClientRequestId { get; init; }

    /// <summary>What lists show of the inputs, instead of the beginning of the root span's. At most 1,000 characters are kept.</summary>
    public string? RequestPreview { get; init; }

    /// <summary>What lists show of the outputs, instead of the beginning of the root span's. At most 1,000 characters are kept.</summary>
    public string? ResponsePreview { get; init; }

    /// <summary>How the trace ended, whatever its root span says: <see cref="SpanStatusCode.Ok"/> or <see cref="SpanStatusCode.Error"/>. Unset says nothing.</summary>
    public SpanStatusCode? State { get; init; }

    /// <summary>Tags to set. At most 4,096 characters of a value are kept.</summary>
    public IDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Metadata to set. At most 250 characters of a value are kept.</summary>
    public IDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}
