namespace MLflow.Server;

/// <summary>A request cannot be served, and the caller can be told why in MLflow's terms.</summary>
internal sealed class MlflowException : Exception
{
    public MlflowException(ErrorCode errorCode, string message, Exception? innerException = null)
        : base(message, innerException) => ErrorCode = errorCode;

    public ErrorCode ErrorCode { get; }
}
