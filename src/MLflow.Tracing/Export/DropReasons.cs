namespace MLflow;

/// <summary>Why traces are dropped: the keys of <see cref="FlushResult.DroppedBy"/>.</summary>
internal static class DropReasons
{
    public const string QueueFull = "queue full";
    public const string Refused = "refused by the server";
    public const string ServerErrors = "too many server errors";
    public const string Stopped = "the client was stopped";
    public const string Failed = "could not be encoded";
}
