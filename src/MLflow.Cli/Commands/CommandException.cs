namespace MLflow.Cli.Commands;

/// <summary>A command cannot go on; the message says in one sentence what is wrong and what to do.</summary>
internal sealed class CommandException : Exception
{
    public CommandException(string message)
        : base(message)
    {
    }

    public CommandException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
