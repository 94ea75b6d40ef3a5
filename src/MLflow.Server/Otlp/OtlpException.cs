namespace MLflow.Server.Otlp;

/// <summary>An OTLP request is refused.</summary>
internal sealed class OtlpException : Exception
{
    public OtlpException(int statusCode, string message, Exception? innerException = null)
        : base(message, innerException) => StatusCode = statusCode;

    /// <param name="limit">Bytes that may be.</param>
    /// <param name="what">Which bytes, and the setting that bounds them.</param>
    public static OtlpException TooLarge(int limit, string what) =>
        new(StatusCodes.Status413PayloadTooLarge, $"The request has more than {limit} bytes {what}, which is the most that is taken at once. Send smaller batches.");

    /// <summary>The status of HTTP; <see cref="OtlpStatus"/> has what it is called over gRPC.</summary>
    public int StatusCode { get; }
}
