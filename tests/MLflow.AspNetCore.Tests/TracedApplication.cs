using System.ClientModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MLflow.Sdk.Tests.Capture;
using OpenAI;
using OpenAI.Chat;

namespace MLflow.AspNetCore.Tests;

/// <summary>An application on Kestrel with tracing, a model for it to call, and the traces of its host.</summary>
internal sealed class TracedApplication : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly LoopbackServer _model;

    private TracedApplication(WebApplication app, LoopbackServer model, TraceCollector traces)
    {
        _app = app;
        _model = model;
        Traces = traces;
        Http = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()) };
    }

    public HttpClient Http { get; }

    public TraceCollector Traces { get; }

    /// <param name="configure">The pipeline; <c>UseMlflowTracing</c> is the test's.</param>
    /// <param name="answer">What the model says to a question.</param>
    public static async Task<TracedApplication> StartAsync(Action<WebApplication> configure, Func<HttpContext, Task>? answer = null)
    {
        Mlflow.OpenAI.Autolog();
        var model = await LoopbackServer.StartAsync((context, _) => answer?.Invoke(context) ?? AnswerAsync(context));
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddMlflowTracing(o => o.TrackingUri = "http://127.0.0.1:1");
        builder.Services.AddControllers().AddApplicationPart(typeof(TracedApplication).Assembly);
        builder.Services.AddSingleton(new ChatClient("gpt-4o", new ApiKeyCredential("sk-test"), new OpenAIClientOptions { Endpoint = new Uri(model.Address, "/v1") }));
        var app = builder.Build();
        configure(app);
        await app.StartAsync();
        return new TracedApplication(app, model, TraceCollector.Start(app.Services.GetRequiredService<MlflowClient>()));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Traces.DisposeAsync();
        await _app.DisposeAsync();
        await _model.DisposeAsync();
    }

    private static Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync("""{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Paris"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}""");
    }
}
