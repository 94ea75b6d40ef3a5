namespace MLflow;

/// <summary>How a span's work went, numbered as OTLP's <c>Status.StatusCode</c>.</summary>
public enum SpanStatusCode
{
    /// <summary>Not said yet. A span that ends unset becomes <see cref="Ok"/>.</summary>
    Unset = 0,

    /// <summary>It succeeded.</summary>
    Ok = 1,

    /// <summary>It failed.</summary>
    Error = 2,
}
