namespace MLflow.Server.Traces;

/// <summary>A span's status, numbered as OTLP's <c>Status.StatusCode</c> (opentelemetry-proto 1.7).</summary>
public enum SpanStatus
{
    /// <summary>Nobody set a status.</summary>
    Unset = 0,

    /// <summary>The work succeeded.</summary>
    Ok = 1,

    /// <summary>The work failed.</summary>
    Error = 2,
}
