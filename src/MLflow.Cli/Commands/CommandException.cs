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

    /// <summary>What the process ends with.</summary>
    public int ExitCode { get; private init; } = ExitCodes.Failed;

    /// <summary>The command was called in a way that cannot be right, whatever the server says.</summary>
    public static CommandException WrongUse(string message) => new(message) { ExitCode = ExitCodes.WrongUse };
}
