using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MLflow.EndToEnd.Tests.Client;

/// <summary>A service that continues the traces of its callers. It says its address, and ends with its input.</summary>
internal static class ServiceProgram
{
    public const string Argument = "--service-program";

    public static async Task RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.MapGet("/look-up", (HttpRequest request) => Handle(request, "handle"));
        app.MapGet("/later", (HttpRequest request) => Handle(request, "order"));
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single());
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
        await Mlflow.FlushAsync();
    }

    private static string Handle(HttpRequest request, string name)
    {
        using var scope = Mlflow.UseTraceContext(request.Headers["traceparent"], request.Headers["baggage"]);
        using var span = Mlflow.StartSpan(name, SpanType.Chain);
        span.SetAttribute("process", Environment.ProcessId);
        return LookUp(name);
    }

    [Trace(SpanType.Retriever, Name = "look up")]
    private static string LookUp(string what) => what + " found";
}
