using System.Globalization;

namespace MLflow.Server.Storage;

/// <summary>The time that a search may take. Whoever works for the search looks at it in between, and gives up when it is over.</summary>
internal sealed class SearchClock
{
    private readonly TimeProvider _timeProvider;
    private readonly long _start;
    private readonly CancellationToken _cancellationToken;

    public SearchClock(TimeProvider timeProvider, TimeSpan limit, CancellationToken cancellationToken)
    {
        _timeProvider = timeProvider;
        Limit = limit;
        _cancellationToken = cancellationToken;
        _start = timeProvider.GetTimestamp();
        StartMs = timeProvider.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>When the search began, in milliseconds since 1970.</summary>
    public long StartMs { get; }

    public TimeSpan Limit { get; }

    public TimeSpan Elapsed => _timeProvider.GetElapsedTime(_start);

    /// <summary>True from the first look that found it over.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Looks at the time, and whether there still is somebody who waits for the answer.</summary>
    public bool Look() => IsStopped = IsStopped || _cancellationToken.IsCancellationRequested || Elapsed > Limit;

    /// <exception cref="MlflowException">BAD_REQUEST: the time is over.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer.</exception>
    public void ThrowIfOver()
    {
        if (Look())
        {
            throw Reason();
        }
    }

    /// <summary>Ends the search, whatever the time.</summary>
    public Exception Stop()
    {
        IsStopped = true;
        return Reason();
    }

    // Not an error that clients answer with the same search again, as they do for all of 429 and 5xx.
    public Exception Reason(Exception? innerException = null) => _cancellationToken.IsCancellationRequested
        ? new OperationCanceledException("The caller has gone.", innerException, _cancellationToken)
        : new MlflowException(
            ErrorCode.BAD_REQUEST,
            string.Create(CultureInfo.InvariantCulture, $"The search took longer than {Limit.TotalSeconds:0.#######} s, this server's limit (--search-timeout), and was stopped. ")
            + "Narrow it by timestamp_ms or by fewer experiments, look for less in text and span attributes, or raise the limit.",
            innerException);
}
