namespace MLflow.Server;

/// <summary>The server cannot start; the message says in one sentence what is wrong and what to do.</summary>
public sealed class MlflowServerStartException : Exception
{
    /// <summary>Creates the exception.</summary>
    public MlflowServerStartException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public MlflowServerStartException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
