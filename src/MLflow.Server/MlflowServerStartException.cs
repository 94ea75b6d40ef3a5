namespace MLflow.Server;

/// <summary>The server cannot start; the message says in one sentence what is wrong and what to do.</summary>
public sealed class MlflowServerStartException : Exception
{
    /// <summary>Creates the exception.</summary>
    public MlflowServerStartException(string message)
        : base(message) => Mistakes = [message];

    internal MlflowServerStartException(IReadOnlyList<string> mistakes)
        : base(string.Join(Environment.NewLine, mistakes)) => Mistakes = mistakes;

    /// <summary>Creates the exception with its cause.</summary>
    public MlflowServerStartException(string message, Exception innerException)
        : base(message, innerException) => Mistakes = [message];

    /// <summary>All that is wrong, a sentence each.</summary>
    public IReadOnlyList<string> Mistakes { get; }
}
