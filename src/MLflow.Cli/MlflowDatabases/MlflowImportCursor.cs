namespace MLflow.Cli.MlflowDatabases;

/// <summary>How far the import of a database has come.</summary>
internal sealed record MlflowImportCursor
{
    /// <summary>What is imported, and where to: a cursor is good for that alone.</summary>
    public required string Database { get; init; }

    public required string Server { get; init; }

    /// <summary>The experiment that is being brought over; those with smaller ids are done.</summary>
    public long ExperimentId { get; init; } = long.MinValue;

    /// <summary>Of the last trace that is done in it.</summary>
    public long TimestampMs { get; init; } = long.MinValue;

    /// <summary>Its id.</summary>
    public string TraceId { get; init; } = "";
}
