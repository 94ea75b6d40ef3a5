namespace MLflow;

/// <summary>A request to the tracking server that did not succeed.</summary>
internal sealed class ExportFailureException : Exception
{
    /// <param name="kind">What it says about trying again.</param>
    /// <param name="reason">A short word for counters, see <see cref="DropReasons"/>.</param>
    /// <param name="message">One sentence for people.</param>
    public ExportFailureException(ExportFailureKind kind, string reason, string message)
        : base(message)
    {
        Kind = kind;
        Reason = reason;
    }

    public ExportFailureKind Kind { get; }

    public string Reason { get; }

    /// <summary>MLflow's error code, where the server gave one.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>What the server said, cut; null where it said nothing.</summary>
    public string? ServerMessage { get; init; }

    /// <summary>HTTP status, or null where no answer came.</summary>
    public int? Status { get; init; }

    /// <summary>How long the server asked to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
