namespace MLflow.Server.Otlp;

/// <summary>An OTLP request is refused.</summary>
internal sealed class OtlpException : Exception
{
    public OtlpException(int statusCode, string message, Exception? innerException = null)
        : base(message, innerException) => StatusCode = statusCode;

    /// <summary>The status of HTTP; <see cref="OtlpStatus"/> has what it is called over gRPC.</summary>
    public int StatusCode { get; }
}
