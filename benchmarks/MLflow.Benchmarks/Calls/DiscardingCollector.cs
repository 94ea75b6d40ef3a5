using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.Benchmarks.Calls;

/// <summary>The far end of both exporters: a loopback server that accepts everything, speaks as ours does and keeps nothing. It runs until its standard input closes.</summary>
internal static class DiscardingCollector
{
    public static async Task RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.MapGet("/version", () => "3.11.2");
        app.MapGet("/api/3.0/mlflow/server-info", () => $"{{\"{TraceFactsFeature.Name}\":true,\"{PlainCallFeature.Name}\":\"{SdkInfo.Version}\"}}");
        app.MapGet("/api/2.0/mlflow/experiments/get-by-name", () => """{"experiment":{"experiment_id":"0"}}""");
        app.MapPost("/v1/traces", async (HttpContext context) =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.Headers[TraceFactsFeature.Header] = "1";

            // As many as there may be: nobody looks into what came.
            context.Response.Headers[PlainCallFeature.Header] = "2048";
            context.Response.ContentType = "application/x-protobuf";
        });
        await app.StartAsync();
        Console.WriteLine(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await Console.In.ReadToEndAsync();
    }
}
