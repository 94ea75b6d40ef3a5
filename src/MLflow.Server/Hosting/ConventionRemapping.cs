using MLflow.Server.Access.Guards;
using MLflow.Server.Storage;

namespace MLflow.Server.Hosting;

/// <summary>Maps stored spans again, in the background, where an older version of the tables has mapped them. It goes on where the last start left off.</summary>
internal sealed partial class ConventionRemapping : BackgroundService
{
    private readonly ITraceStore _store;
    private readonly ILogger<ConventionRemapping> _logger;

    public ConventionRemapping(UnguardedStores stores, ILogger<ConventionRemapping> logger)
    {
        _store = stores.Traces;
        _logger = logger;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var failed = 0;
            Exception? first = null;
            RemapResult result;
            do
            {
                result = await _store.RemapAsync(stoppingToken).ConfigureAwait(false);
                failed += result.Failed;
                first ??= result.Failure;
            }
            while (result.IsMore);

            if (failed > 0)
            {
                LogSpansFailed(_logger, first, failed);
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

    [LoggerMessage(LogLevel.Warning, "Conventions of {Count} stored spans could not be mapped again, and they stay as they were. This is the first reason.")]
    private static partial void LogSpansFailed(ILogger logger, Exception? exception, int count);
}
