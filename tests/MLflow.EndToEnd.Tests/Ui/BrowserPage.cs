using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>A page in the browser and what its console complained about.</summary>
public sealed class BrowserPage : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly ConcurrentQueue<Uri> _requests = new();

    public BrowserPage(IPage page)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Enqueue(message.Text);
            }
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("data:", StringComparison.Ordinal))
            {
                _requests.Enqueue(new Uri(request.Url));
            }
        };
        page.PageError += (_, error) => _complaints.Enqueue(error);
    }

    public IPage Page { get; }

    /// <summary>Everything that was asked of a network; pictures inside the page are not.</summary>
    public IReadOnlyCollection<Uri> Requests => _requests;

    /// <summary>Errors and warnings: a violation of the content security policy is one of them.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>Waits until Blazor's circuit has rendered the page.</summary>
    public Task HasCircuitAsync() => Page.Locator("#circuit").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Attached });

    public async ValueTask DisposeAsync() => await Page.Context.CloseAsync();
}
