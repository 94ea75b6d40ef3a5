namespace MLflow.Server.Storage.Postgres;

/// <summary>Makes partitions ahead, every hour. Of several servers one does it.</summary>
internal sealed class PostgresUpkeep : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    private readonly PostgresPartitions _partitions;
    private readonly PeriodicTimer _timer;
    private readonly Task _loop;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PostgresUpkeep(PostgresPartitions partitions, TimeProvider timeProvider)
    {
        _partitions = partitions;
        _timer = new PeriodicTimer(Period, timeProvider);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Completes when the hour is over and it has been at it.</summary>
    public Task NextAsync() => _next.Task;

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _loop.ConfigureAwait(false);
    }

    /// <summary>Does it now.</summary>
    public async Task PassAsync()
    {
        try
        {
            await _partitions.CreateAheadAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // What is missing is made when it is needed, and whoever needs it is told why that fails.
        }
    }

    private async Task RunAsync()
    {
        while (await _timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            await PassAsync().ConfigureAwait(false);
            Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
    }
}
