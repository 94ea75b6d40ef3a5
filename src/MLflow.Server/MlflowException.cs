namespace MLflow.Server;

/// <summary>A request cannot be served, and the caller can be told why in MLflow's terms.</summary>
internal class MlflowException : Exception
{
    public MlflowException(ErrorCode errorCode, string message, Exception? innerException = null)
        : base(message, innerException) => ErrorCode = errorCode;

    public ErrorCode ErrorCode { get; }

    /// <summary>Of a filter: the character that is wrong, from 1.</summary>
    public int? Position { get; init; }

    /// <summary>The parameter that is wrong, as MLflow's calls name it; null where no one of them is.</summary>
    public string? Field { get; init; }
}
