#pragma warning disable OPENAI001 // What the package calls experimental is recorded all the same.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MLflow.EndToEnd.Tests.Recordings;
using MLflow.Tests;
using OpenAI;
using Xunit;

namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>Our trace of an exchange beside the trace that real MLflow made of the same exchange.</summary>
[Collection("tracked process")]
public sealed class GoldenTests(TrackedProcess tracked)
{
    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Trace_SameProgram_IsRecordedAsRealMlflowDoesButForKnownClasses()
    {
        var cases = GoldenCase.LoadAll();
        Assert.SkipWhen(cases is null, "The golden traces (../shared/golden) are not here.");
        var differences = new List<Difference>();
        foreach (var golden in cases!)
        {
            var trace = await ReplayAsync(golden);
            Assert.True(trace is not null, golden.Name + ": no trace was stored");
            if (golden.Trace is null)
            {
                Assert.Contains(golden.Path == "/v1/responses" ? "In a" : "Hello", trace.Call!.Attributes["mlflow.spanOutputs"]!.ToJsonString(), StringComparison.Ordinal);
            }

            differences.AddRange(TraceComparison.Compare(golden, trace));
        }

        var report = DifferenceClass.Judge(differences);
        Xunit.TestContext.Current.TestOutputHelper!.WriteLine($"{cases.Count} golden cases\n{report.Table}");
        Assert.True(report.Faults.Count == 0, string.Join('\n', report.Faults));
    }

    private async Task<StoredTrace?> ReplayAsync(GoldenCase golden)
    {
        // Asked before the call, so that its trace is this flow's last.
        Mlflow.GetLastActiveTraceId();
        var isRead = new TaskCompletionSource();
        await using var app = await StartAsync(golden, isRead.Task);
        var address = golden.Exchanges.Count > 0
            ? new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single())
            : new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var client = new OpenAIClient(new ApiKeyCredential("sk-golden"), new OpenAIClientOptions
        {
            Endpoint = new Uri(address, "/v1"),
            RetryPolicy = new ImmediateRetries(golden.Exchanges.Count),
        });
        await (GoldenPrograms.Find(golden.Name, exchange => CallAsync(client, address, exchange.Path, Encoding.UTF8.GetBytes(exchange.Request), isAsync: false, new RequestOptions()), golden)
            ?? (() => CallAsync(golden, client, address, isRead)))();
        var traceId = Mlflow.GetLastActiveTraceId();
        await Mlflow.FlushAsync(Token);
        return await tracked.GetTraceAsync(traceId!, Token);
    }

    private static async Task CallAsync(GoldenCase golden, OpenAIClient client, Uri address, TaskCompletionSource isRead)
    {
        var isStream = golden.Exchanges.Any(exchange => exchange.IsEventStream);
        try
        {
            var result = await CallAsync(client, address, golden.Path, golden.Request, golden.IsAsync, new RequestOptions { BufferResponse = !isStream });
            if (isStream && result is not null)
            {
                using var response = result.GetRawResponse();
                var isAbandoned = golden.Name == "chat_stream_abandoned";
                var length = Encoding.UTF8.GetByteCount(golden.Exchanges[0].Body);
                await response.ContentStream!.ReadExactlyAsync(new byte[isAbandoned ? 600 : length], Token);
                isRead.SetResult();
                if (!isAbandoned)
                {
                    await response.ContentStream!.CopyToAsync(Stream.Null, Token);
                }
            }
        }
        catch (Exception e) when (e is ClientResultException or IOException or HttpRequestException or AggregateException)
        {
            // The case is about this.
        }
    }

    /// <returns>Null where the package has no method for the path.</returns>
    private static async Task<ClientResult?> CallAsync(OpenAIClient client, Uri address, string path, byte[] body, bool isAsync, RequestOptions options)
    {
        var content = BinaryContent.Create(BinaryData.FromBytes(body));
        switch (path)
        {
            case "/v1/chat/completions":
                var chat = client.GetChatClient("unused");
                return isAsync ? await chat.CompleteChatAsync(content, options) : chat.CompleteChat(content, options);
            case "/v1/embeddings":
                return client.GetEmbeddingClient("unused").GenerateEmbeddings(content, options);
            case "/v1/responses":
                return client.GetResponsesClient().CreateResponse(content, options);
            default:
                using (var http = new HttpClient())
                using (var json = new ByteArrayContent(body))
                {
                    json.Headers.ContentType = new("application/json");
                    using var response = http.Send(new HttpRequestMessage(HttpMethod.Post, new Uri(address, path)) { Content = json }, Token);
                    return null;
                }
        }
    }

    private static async Task<WebApplication> StartAsync(GoldenCase golden, Task isRead)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var count = 0;
        app.Run(async context =>
        {
            var exchange = golden.Exchanges[count++];
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.StatusCode = exchange.Status;
            foreach (var (name, value) in exchange.Headers)
            {
                context.Response.Headers[name] = value;
            }

            await context.Response.WriteAsync(exchange.Body);
            await context.Response.Body.FlushAsync();
            if (exchange.IsCut)
            {
                // A reset may overtake what was sent, so it waits until that has arrived.
                await isRead;
                context.Abort();
            }
        });
        await app.StartAsync();
        return app;
    }

    private sealed class ImmediateRetries(int exchanges) : ClientRetryPolicy(Math.Max(0, exchanges - 1))
    {
        protected override TimeSpan GetNextDelay(PipelineMessage message, int tryCount) => TimeSpan.Zero;
    }
}
