namespace MLflow;

/// <summary>What became of the traces that this client made so far: each is counted in exactly one of exported, pending, spooled and dropped.</summary>
public sealed record FlushResult
{
    /// <summary>Traces that a server has acknowledged.</summary>
    public required long Exported { get; init; }

    /// <summary>Traces that wait: some of their spans still run, or the server has not acknowledged them yet.</summary>
    public required long Pending { get; init; }

    /// <summary>
    /// Traces that wait on the disk, because their server was away or the client was stopped. They are sent by this process when the server is there, by the
    /// next one that traces to it, or by <c>mlflow import --spool</c>.
    /// </summary>
    public long Spooled { get; init; }

    /// <summary>Traces that earlier processes had left on the disk and this one has sent. They are in no other count.</summary>
    public long Recovered { get; init; }

    /// <summary>Traces that were given up, in whole or in part.</summary>
    public required long Dropped { get; init; }

    /// <summary>Why traces were given up, with a count for each reason. Empty when nothing was dropped.</summary>
    public required IReadOnlyDictionary<string, long> DroppedBy { get; init; }

    /// <summary>
    /// Bodies of traced calls that could not be read as what they should be, since tracing was turned on. Their spans are exported, with the text of the body
    /// and a note (<c>mlflow.capture.note</c>).
    /// </summary>
    public long UnreadBodies { get; init; }

    /// <summary>
    /// Values of which nothing was recorded but a mark, because a redaction rule failed on them (<see cref="PrivacyOptions"/>). Their spans are exported.
    /// </summary>
    public long WithheldValues { get; init; }

    /// <summary>The last error of the export, or null.</summary>
    public string? LastError { get; init; }
}
