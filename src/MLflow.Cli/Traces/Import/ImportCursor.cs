namespace MLflow.Cli.Traces.Import;

/// <summary>How far an import has come.</summary>
internal sealed record ImportCursor
{
    /// <summary>What is imported, and where to: a cursor is good for that alone.</summary>
    public required string File { get; init; }

    public required string Server { get; init; }

    public required string ExperimentId { get; init; }

    /// <summary>Bytes of the file that are done: the beginning of a line.</summary>
    public long Bytes { get; init; }

    /// <summary>Lines that are done.</summary>
    public long Lines { get; init; }
}
