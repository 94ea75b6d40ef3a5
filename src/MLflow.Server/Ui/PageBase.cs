using Microsoft.AspNetCore.Components;

namespace MLflow.Server.Ui;

/// <summary>A page: reads once for prerendering and circuit together, and can look again from time to time.</summary>
public abstract class PageBase : ComponentBase, IAsyncDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private Task _refreshing = Task.CompletedTask;

    /// <summary>What the circuit takes from the <see cref="Ui.Handover"/>.</summary>
    [PersistentState]
    public string? HandoverKey { get; set; }

    [Inject]
    internal Handover Handover { get; set; } = default!;

    [Inject]
    internal TimeProvider Clock { get; set; } = default!;

    /// <summary>The request while prerendering; null in a circuit.</summary>
    [CascadingParameter]
    protected HttpContext? Request { get; set; }

    /// <summary>Cancelled when the page is left.</summary>
    protected CancellationToken Gone => _gone.Token;

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

    /// <summary>Looks again every <paramref name="period"/> until <paramref name="refresh"/> returns false or the page is left.</summary>
    protected void Watch(TimeSpan period, Func<Task<bool>> refresh) => _refreshing = WatchAsync(period, refresh);

    private async Task WatchAsync(TimeSpan period, Func<Task<bool>> refresh)
    {
        using var timer = new PeriodicTimer(period, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(Gone))
            {
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
