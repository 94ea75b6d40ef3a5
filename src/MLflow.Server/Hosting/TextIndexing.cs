using MLflow.Server.Storage;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Hosting;

/// <summary>Builds the text index in the background, after the answers to those who write, and keeps it clean.</summary>
internal sealed partial class TextIndexing : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMinutes(1);

    private readonly ITextIndex _index;
    private readonly ServerMeter _meter;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger<TextIndexing> _logger;

    public TextIndexing(ITextIndex index, ServerMeter meter, TimeProvider timeProvider, ILogger<TextIndexing> logger)
    {
        _index = index;
        _meter = meter;
        _timeProvider = timeProvider;
        _logger = logger;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // SQLite answers on the calling thread, which is that of the start.
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Pause;
            try
            {
                await IndexAsync(stoppingToken).ConfigureAwait(false);
                await _index.SweepAsync(stoppingToken).ConfigureAwait(false);
                _meter.TextIndexWaiting = await _index.CountWaitingAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // What waits is found by searches as well, and waits on.
                LogFailed(_logger, e);
                pause = PauseAfterFailure;
            }

            await Task.Delay(pause, _timeProvider, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Works for half of the time at most, so that a long queue leaves a processor to others.</summary>
    private async Task IndexAsync(CancellationToken stoppingToken)
    {
        var start = _timeProvider.GetTimestamp();
        while (await _index.IndexAsync(now: false, stoppingToken).ConfigureAwait(false) > 0)
        {
            await Task.Delay(_timeProvider.GetElapsedTime(start), _timeProvider, stoppingToken).ConfigureAwait(false);
            _meter.TextIndexWaiting = await _index.CountWaitingAsync(stoppingToken).ConfigureAwait(false);
            start = _timeProvider.GetTimestamp();
        }
    }

    [LoggerMessage(LogLevel.Warning, "Traces could not be added to the text index. Searches find them, but slowly; it is tried again in a minute.")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
