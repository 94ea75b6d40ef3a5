using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.Benchmarks.Calls;

/// <summary>The far end of both exporters: a loopback server that accepts everything and keeps nothing but a count.</summary>
internal sealed class DiscardingCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private long _requests;

    private DiscardingCollector(WebApplication app) => _app = app;

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public long Requests => Interlocked.Read(ref _requests);

    public static async Task<DiscardingCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new DiscardingCollector(app);
        app.MapGet("/version", () => "3.11.2");
        app.MapGet("/api/2.0/mlflow/experiments/get", () => Results.Text("""{"experiment":{"experiment_id":"0","name":"Default","lifecycle_stage":"active"}}""", "application/json"));
        app.MapPost("/v1/traces", collector.DiscardAsync);
        app.MapPost("/api/3.0/mlflow/traces", async (HttpContext context) =>
        {
            await collector.DiscardAsync(context);
            await context.Response.WriteAsync("""{"trace":{"trace_info":{"tags":{"mlflow.trace.spansLocation":"TRACKING_STORE"}}}}""");
        });
        await app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task DiscardAsync(HttpContext context)
    {
        await context.Request.Body.CopyToAsync(Stream.Null);
        Interlocked.Increment(ref _requests);
        context.Response.ContentType = "application/x-protobuf";
    }
}
