namespace MLflow;

/// <summary>What became of the traces that this process made so far.</summary>
public sealed record FlushResult
{
    /// <summary>Traces that a server has acknowledged.</summary>
    public required long Exported { get; init; }

    /// <summary>Traces that are still waiting: unfinished, or the server has not answered yet.</summary>
    public required long Pending { get; init; }

    /// <summary>Traces that were given up.</summary>
    public required long Dropped { get; init; }

    /// <summary>Why traces were given up, with a count for each reason. Empty when nothing was dropped.</summary>
    public required IReadOnlyDictionary<string, long> DroppedBy { get; init; }

    /// <summary>The last error of the export, or null.</summary>
    public string? LastError { get; init; }
}
