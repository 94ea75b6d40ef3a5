#:project Setup
#:project ../src/MLflow.AspNetCore
#:package OpenAI

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

var sample = await Sample.StartAsync();

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddSingleton(new ChatClient("gpt-4o-mini", sample.Key, sample.Options));

// Settings also come from the configuration: MLflow:TrackingUri, or MLFLOW_TRACKING_URI
builder.Services.AddMlflowTracing(o =>
{
    o.TrackingUri = Sample.TrackingUri;
    o.Experiment = "aspnetcore-demo";
});

var app = builder.Build();

// Each request becomes a trace, but for health checks
app.UseMlflowTracing(o =>
{
    o.User = context => context.User.Identity?.Name ?? context.Request.Headers["x-user"];
    o.Session = context => context.Request.Headers["x-session"];
    o.ResponseHeader = "x-mlflow-trace-id";
});
app.MapGet("/health", () => "ok").DisableMlflowTracing();
app.MapGet("/ask/{topic}", async (string topic, ChatClient chat) =>
{
    ChatCompletion answer = await chat.CompleteChatAsync($"What is the capital of {topic}?");
    return answer.Content[0].Text;
});
await app.StartAsync();

using (var browser = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) })
{
    browser.DefaultRequestHeaders.Add("x-user", "ada");
    browser.DefaultRequestHeaders.Add("x-session", "s-1");
    await browser.GetAsync(new Uri("/health", UriKind.Relative));
    using var answer = await browser.GetAsync(new Uri("/ask/France", UriKind.Relative));
    Console.WriteLine(await answer.Content.ReadAsStringAsync());
    Console.WriteLine($"Its trace: {answer.Headers.GetValues("x-mlflow-trace-id").Single()}");
}

// Not needed in an application of yours: its host sends what waits when it stops
await sample.DisposeAsync();
await app.StopAsync();
