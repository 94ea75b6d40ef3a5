namespace MLflow.Cli.Output;

/// <summary>What a command writes to standard output.</summary>
internal enum OutputFormat
{
    /// <summary>For people: columns of plain text.</summary>
    Table,

    /// <summary>For programs.</summary>
    Json,
}
