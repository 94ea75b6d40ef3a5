namespace MLflow.Cli.Commands;

/// <summary>What the process ends with; scripts rely on it.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUse = 2;

    /// <summary>Nobody reads standard output any more: as a shell tells of a program that SIGPIPE ended.</summary>
    public const int OutputClosed = 141;
}
