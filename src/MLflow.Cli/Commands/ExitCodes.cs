namespace MLflow.Cli.Commands;

/// <summary>What the process ends with; scripts rely on it.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUse = 2;
}
