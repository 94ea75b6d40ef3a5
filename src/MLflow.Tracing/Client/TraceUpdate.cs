namespace MLflow;

/// <summary>What <see cref="Mlflow.UpdateCurrentTrace"/> says about a trace. What is null or absent stays as it was.</summary>
public sealed class TraceUpdate
{
    /// <summary>The conversation that the trace belongs to (<c>mlflow.trace.session</c>). At most 250 characters are kept.</summary>
    public string? Session { get; init; }

    /// <summary>The end user (<c>mlflow.trace.user</c>). At most 250 characters are kept.</summary>
    public string? User { get; init; }

    /// <summary>Tags to set. At most 4,096 characters of a value are kept.</summary>
    public IDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Metadata to set. At most 250 characters of a value are kept.</summary>
    public IDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}
