namespace MLflow;

/// <summary>What one try to send came to.</summary>
internal sealed record ExportOutcome
{
    public static readonly ExportOutcome Sent = new();

    /// <summary>Why it will never go through; null when it was sent or may yet be.</summary>
    public string? GivenUp { get; private init; }

    /// <summary>Why it did not go through now.</summary>
    public string? Postponed { get; private init; }

    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>The server answered, and the answer was an error of its own; such tries are counted.</summary>
    public bool IsServerError { get; private init; }

    public bool IsSent => GivenUp is null && Postponed is null;

    public static ExportOutcome GiveUp(string reason) => new() { GivenUp = reason };

    public static ExportOutcome Postpone(string reason, TimeSpan? retryAfter = null, bool isServerError = false) =>
        new() { Postponed = reason, RetryAfter = retryAfter, IsServerError = isServerError };
}
