using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.EndToEnd.Tests.Replay;

/// <summary>Answers with recorded exchanges. The request names its recording in a header.</summary>
public sealed class ExchangeEndpoint : IAsyncDisposable
{
    public const string Header = "x-recorded-exchange";

    private readonly WebApplication _app;

    private ExchangeEndpoint(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    public static async Task<ExchangeEndpoint> StartAsync(IEnumerable<StoredExchange> exchanges)
    {
        var byId = exchanges.ToDictionary(exchange => exchange.Id);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            var exchange = byId[(string)context.Request.Headers[Header]!];
            context.Response.StatusCode = exchange.Status;
            context.Response.ContentType = exchange.ResponseContentType;
            await context.Response.Body.WriteAsync(exchange.ResponseBody);
        });
        await app.StartAsync();
        return new ExchangeEndpoint(app)
        {
            Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
        };
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
