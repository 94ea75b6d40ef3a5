using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MLflow;

/// <summary>
/// The SDK's own troubles. They go to the program's logger, or, where it has none, to standard error; a message of the same kind
/// at most once a minute, so that a server that is away does not fill a log.
/// </summary>
internal sealed class SelfLog
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    // Bounded: kinds are constants in this assembly.
    private readonly ConcurrentDictionary<string, long> _last = new();
    private readonly Func<ILogger?> _logger;
    private readonly TimeProvider _timeProvider;

    public SelfLog(ILoggerFactory? loggerFactory, TimeProvider timeProvider)
    {
        var logger = loggerFactory?.CreateLogger("MLflow.Tracing");
        _logger = () => logger;
        _timeProvider = timeProvider;
    }

    /// <param name="timeProvider">The clock.</param>
    /// <param name="logger">Whose logger it is at the moment; null for standard error.</param>
    public SelfLog(TimeProvider timeProvider, Func<ILogger?> logger)
    {
        _logger = logger;
        _timeProvider = timeProvider;
    }

    public ILogger? Logger => _logger();

    /// <summary>Writes a warning. Never throws.</summary>
    /// <param name="kind">A constant that names the kind of trouble.</param>
    /// <param name="message">One sentence: what is wrong and what to do.</param>
    public void Warn(string kind, string message)
    {
        try
        {
            var now = _timeProvider.GetTimestamp();
            if (_last.TryGetValue(kind, out var last) && _timeProvider.GetElapsedTime(last, now) < Interval)
            {
                return;
            }

            // Errors quote what a server or a library says, which may quote what it was sent.
            message = SecretScrubber.Scrub(message) ?? message;
            _last[kind] = now;
            var logger = Logger;
            if (logger is null)
            {
                Console.Error.WriteLine("mlflow: " + message);
            }
            else
            {
#pragma warning disable CA2254, CA1848 // The message is complete; there is nothing to format.
                logger.LogWarning(message);
#pragma warning restore CA2254, CA1848
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A logger that throws must not reach the program that we trace.
        }
    }
}
