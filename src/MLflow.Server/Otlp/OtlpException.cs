namespace MLflow.Server.Otlp;

/// <summary>An OTLP request is refused; MLflow answers those with <c>{"detail": message}</c>.</summary>
internal sealed class OtlpException : Exception
{
    public OtlpException(int statusCode, string message, Exception? innerException = null)
        : base(message, innerException) => StatusCode = statusCode;

    public int StatusCode { get; }
}
