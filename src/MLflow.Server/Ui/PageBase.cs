using Microsoft.AspNetCore.Components;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui;

/// <summary>A page: reads once for prerendering and circuit together, and can look again from time to time.</summary>
public abstract class PageBase : ComponentBase, IAsyncDisposable
{
    /// <summary>After a change that is told, as others may follow it.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _gone = new();
    private Task _refreshing = Task.CompletedTask;

    /// <summary>A page, which is not yet shown.</summary>
    protected PageBase() => Gone = _gone.Token;

    /// <summary>What the circuit takes from the <see cref="Ui.Handover"/>.</summary>
    [PersistentState]
    public string? HandoverKey { get; set; }

    [Inject]
    internal Handover Handover { get; set; } = default!;

    [Inject]
    internal TimeProvider Clock { get; set; } = default!;

    [Inject]
    internal TraceChanges Changes { get; set; } = default!;

    /// <summary>The request while prerendering; null in a circuit.</summary>
    [CascadingParameter]
    protected HttpContext? Request { get; set; }

    /// <summary>Cancelled when the page is left. What still runs then may ask for it.</summary>
    protected CancellationToken Gone { get; }

    public async ValueTask DisposeAsync()
    {
        await _gone.CancelAsync();
        await _refreshing;
        _gone.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads, unless prerendering has just read the same.</summary>
    protected async Task<T> ReadAsync<T>(Func<Task<T>> read)
        where T : class
    {
        if (Request is null && Handover.TryTake<T>(HandoverKey, out var handed))
        {
            HandoverKey = null;
            return handed;
        }

        var value = await read();
        if (Request is not null)
        {
            HandoverKey = Handover.Give(value);
        }

        return value;
    }

    /// <summary>The same on a thread of its own, so that the page is not held up: SQLite answers before a call of it returns.</summary>
    protected Task<T> ReadApartAsync<T>(Func<T> read)
        where T : class => ReadAsync(() => Task.Run(read, Gone));

    /// <summary>The same for what is read in several steps.</summary>
    protected Task<T> ReadApartAsync<T>(Func<Task<T>> read)
        where T : class => ReadAsync(() => Task.Run(read, Gone));

    /// <summary>Answers 404 where the page has nothing to show.</summary>
    protected void SayNotFound()
    {
        if (Request is { Response.HasStarted: false })
        {
            // Set now, Blazor would take it for NavigationManager.NotFound and send no body at all.
            var response = Request.Response;
            response.OnStarting(() =>
            {
                response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            });
        }
    }

    /// <summary>
    /// Looks again every <paramref name="period"/>, and when something is told that <paramref name="concerns"/> says yes to, until <paramref name="refresh"/> returns false
    /// or the page is left.
    /// </summary>
    private protected void Watch(TimeSpan period, Func<Task<bool>> refresh, Predicate<TraceChange>? concerns = null) => _refreshing = WatchAsync(period, refresh, concerns ?? (_ => false));

    private async Task WatchAsync(TimeSpan period, Func<Task<bool>> refresh, Predicate<TraceChange> concerns)
    {
        using var timer = new PeriodicTimer(period, Clock);
        using var watch = Changes.Watch(concerns);
        var tick = timer.WaitForNextTickAsync(Gone).AsTask();
        var change = watch.WaitAsync(Gone);
        try
        {
            while (true)
            {
                var first = await Task.WhenAny(tick, change);
                await first;
                if (first == tick)
                {
                    tick = timer.WaitForNextTickAsync(Gone).AsTask();
                }
                else
                {
                    await Task.Delay(Gathering, Clock, Gone);
                    change = watch.WaitAsync(Gone);
                }

                var goesOn = true;
                await InvokeAsync(async () => goesOn = await refresh());
                if (!goesOn)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (_gone.IsCancellationRequested)
        {
            // The page was left.
        }
    }
}
