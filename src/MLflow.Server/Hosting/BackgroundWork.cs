namespace MLflow.Server.Hosting;

/// <summary>Work that follows what is written, in the background: again and again, for four fifths of the time at most, so that a long queue leaves room to others.</summary>
internal abstract partial class BackgroundWork : BackgroundService
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;

    protected BackgroundWork(TimeProvider timeProvider, ILogger logger)
    {
        _timeProvider = timeProvider;
        _logger = logger;
    }

    /// <summary>What is delayed when it fails, in a sentence.</summary>
    protected abstract string Consequence { get; }

    /// <summary>From one look for work to the next.</summary>
    protected abstract TimeSpan Pause { get; }

    /// <summary>Does a part of the work; false when nothing is left.</summary>
    protected abstract Task<bool> WorkAsync(CancellationToken cancellationToken);

    /// <summary>What is done once when nothing is left.</summary>
    protected abstract Task RestAsync(CancellationToken cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // SQLite answers on the calling thread, which is that of the start.
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Pause;
            try
            {
                for (var start = _timeProvider.GetTimestamp(); await WorkAsync(stoppingToken).ConfigureAwait(false); start = _timeProvider.GetTimestamp())
                {
                    await Task.Delay(_timeProvider.GetElapsedTime(start) / 4, _timeProvider, stoppingToken).ConfigureAwait(false);
                }

                await RestAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // What is left waits in the database for the next start.
                return;
            }
            catch (Exception e)
            {
                LogFailed(_logger, Consequence, e);
                pause = PauseAfterFailure;
            }

            await Task.Delay(pause, _timeProvider, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Consequence} It is tried again in a minute.")]
    private static partial void LogFailed(ILogger logger, string consequence, Exception exception);
}
