using MLflow.Server.Access;
using MLflow.Server.Storage;

namespace MLflow.Server.Retention;

/// <summary>Runs retention in the background, and deletes contents of the blob store that nobody refers to any more. Of several servers of a database one does it at a time.</summary>
internal sealed partial class RetentionJob : BackgroundService
{
    private const string Job = "retention";

    /// <summary>So that a start is not slowed down, and a server that was started by mistake does nothing yet.</summary>
    private static readonly TimeSpan FirstAfter = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <summary>Longer than one number of traces takes: a server that dies leaves the job to another one after it.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(10);

    private readonly TraceRetention _retention;
    private readonly IRetentionStore _store;
    private readonly BlobSweep _sweep;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger<RetentionJob> _logger;
    private readonly string _owner = Guid.NewGuid().ToString("N");

    public RetentionJob(TraceRetention retention, IRetentionStore store, IBlobLedger ledger, SpanBlobs blobs, TimeProvider timeProvider, ILogger<RetentionJob> logger)
    {
        _retention = retention;
        _store = store;
        _sweep = new BlobSweep(ledger, blobs.Store, timeProvider);
        _timeProvider = timeProvider;
        _logger = logger;
    }

    /// <summary>Does all that there is to do now, where no other server does it.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        if (!await LeadAsync().ConfigureAwait(false))
        {
            return;
        }

        var outcomes = await _retention.RunAsync(_ => true, Actor.Server, LeadAsync, cancellationToken).ConfigureAwait(false);
        var blobs = await _sweep.RunAsync(cancellationToken).ConfigureAwait(false);
        LogDone(_logger, outcomes.Sum(outcome => outcome.Deleted), outcomes.Sum(outcome => outcome.Archived), blobs);

        Task<bool> LeadAsync() => _store.TryLeadAsync(Job, _owner, Lease, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // SQLite answers on the calling thread, which is that of the start.
        await Task.Yield();
        try
        {
            for (var wait = FirstAfter; ; wait = Every)
            {
                await TryAsync(() => _retention.ExpectAsync(stoppingToken), stoppingToken).ConfigureAwait(false);
                await Task.Delay(wait, _timeProvider, stoppingToken).ConfigureAwait(false);
                await TryAsync(() => RunOnceAsync(stoppingToken), stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start goes on.
        }
    }

    private async Task TryAsync(Func<Task> work, CancellationToken stoppingToken)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            // Nothing is half done: the next time goes on.
            LogFailed(_logger, e);
        }
    }

    [LoggerMessage(LogLevel.Information, "Retention: {Deleted} traces deleted, {Archived} archived, {Blobs} contents of the blob store deleted.")]
    private static partial void LogDone(ILogger logger, long deleted, long archived, int blobs);

    [LoggerMessage(LogLevel.Warning, "Retention could not do all its work; the next time, in an hour, goes on.")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
