using System.Net;

namespace MLflow;

/// <summary>When to send again and when to give up. Pure: time comes in and goes out as values.</summary>
internal static class RetryPolicy
{
    /// <summary>Tries of a request that a server keeps failing (500); MLflow's clients stop after as many. A server that is away is waited for without end: the queue is what is bounded.</summary>
    public const int MaxServerErrors = 7;

    public static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(30);

    /// <summary>Status codes that MLflow's clients send again (MLflow 3, <c>MLFLOW_HTTP_REQUEST_MAX_RETRIES</c>).</summary>
    public static bool IsTransient(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    /// <summary>How long to wait before try <paramref name="attempt"/> + 1.</summary>
    /// <param name="attempt">Number of tries so far, from 1.</param>
    /// <param name="retryAfter">What the server asked for.</param>
    /// <param name="jitter">0 to 1.</param>
    public static TimeSpan Delay(int attempt, TimeSpan? retryAfter, double jitter)
    {
        if (retryAfter is { } asked)
        {
            return asked < TimeSpan.Zero ? TimeSpan.Zero : asked > MaxDelay ? MaxDelay : asked;
        }

        var seconds = 0.25 * Math.Pow(2, Math.Min(attempt - 1, 10)) * (0.5 + (jitter / 2));
        return seconds > MaxDelay.TotalSeconds ? MaxDelay : TimeSpan.FromSeconds(seconds);
    }
}
