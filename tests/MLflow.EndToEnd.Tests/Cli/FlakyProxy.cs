using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>Stands before a server; from one request on it breaks every connection, until it is well.</summary>
internal sealed class FlakyProxy : IAsyncDisposable
{
    private readonly HttpClient _http = new();
    private readonly Lock _lock = new();
    private readonly Uri _server;
    private readonly Func<string, bool> _breaksAt;
    private readonly Func<string, Task>? _before;
    private readonly string? _hides;
    private WebApplication _app = null!;
    private bool _isBroken;

    private FlakyProxy(Uri server, Func<string, bool> breaksAt, Func<string, Task>? before, string? hides)
    {
        _server = server;
        _breaksAt = breaksAt;
        _before = before;
        _hides = hides;
    }

    public Uri Address => new(_app.Urls.First());

    public bool IsWell { get; set; }

    /// <param name="server">The server behind.</param>
    /// <param name="breaksAt">Is asked for each path, one after the other.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="before">Is waited for before a request goes on, by its path.</param>
    /// <param name="hides">What no path may end in: the server has none such.</param>
    public static async Task<FlakyProxy> StartAsync(Uri server, Func<string, bool> breaksAt, CancellationToken cancellationToken, Func<string, Task>? before = null, string? hides = null)
    {
        var proxy = new FlakyProxy(server, breaksAt, before, hides);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        proxy._app = builder.Build();
        proxy._app.Run(proxy.HandleAsync);
        await proxy._app.StartAsync(cancellationToken);
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path + context.Request.QueryString;
        bool isBroken;
        lock (_lock)
        {
            // Requests come side by side, and are counted.
            _isBroken |= _breaksAt(path);
            isBroken = _isBroken;
        }

        if (isBroken && !IsWell)
        {
            context.Abort();
            return;
        }

        if (_hides is not null && path.EndsWith(_hides, StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        await (_before?.Invoke(path) ?? Task.CompletedTask);
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(_server, path));
        if (context.Request.ContentLength is > 0)
        {
            request.Content = new StreamContent(context.Request.Body);
        }

        foreach (var (name, values) in context.Request.Headers.Where(header => header.Key != "Host"))
        {
            if (!request.Headers.TryAddWithoutValidation(name, values.ToArray()))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
            }
        }

        using var answer = await _http.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
