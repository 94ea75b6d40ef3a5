using MLflow.Server.Storage;

namespace MLflow.Server.Hosting;

/// <summary>Maps stored spans again, in the background, where an older version of the tables has mapped them. It goes on where the last start left off.</summary>
internal sealed partial class ConventionRemapping : BackgroundService
{
    private readonly ITraceStore _store;
    private readonly ILogger<ConventionRemapping> _logger;

    public ConventionRemapping(ITraceStore store, ILogger<ConventionRemapping> logger)
    {
        _store = store;
        _logger = logger;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _store.RemapAsync(stoppingToken).ConfigureAwait(false))
            {
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start goes on.
        }
        catch (Exception e)
        {
            // The spans stay as they were mapped before.
            LogFailed(_logger, e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Conventions of stored spans could not all be mapped again; the next start of the server goes on.")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
