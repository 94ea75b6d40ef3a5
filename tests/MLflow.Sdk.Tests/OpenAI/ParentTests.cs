using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>A call is the child of the span in whose flow it was made, however the program runs its work.</summary>
public sealed class ParentTests : CaptureTestBase
{
    [Fact]
    public async Task Calls_InTaskRun_AreChildrenOfTheSpanAroundIt()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = Client(server.Address);
        LiveSpan root;
        using (root = Tracer.StartSpan("root", SpanType.Chain))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => client.CompleteChat([new UserChatMessage("x")], cancellationToken: Token))));
        }

        var calls = (await SpansAsync()).Where(span => span != root).ToList();
        Assert.Equal(8, calls.Count);
        Assert.All(calls, call => Assert.Same(root, call.Parent));
    }

    [Fact]
    public async Task Calls_InParallelForEach_AreChildrenOfTheirOwnItem()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = Client(server.Address);
        await Parallel.ForEachAsync(Enumerable.Range(0, 40), Token, async (i, token) =>
        {
            using var item = Tracer.StartSpan("item " + i, SpanType.Task);
            await client.CompleteChatAsync([new UserChatMessage("item " + i)], cancellationToken: token);
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("item " + i)], cancellationToken: token))
            {
            }
        });

        var calls = (await SpansAsync()).Where(span => span.SpanType == SpanType.ChatModel).ToList();
        Assert.Equal(80, calls.Count);
        Assert.All(calls, call => Assert.Contains($"\"{call.Parent!.Name}\"", System.Text.Encoding.UTF8.GetString(call.Attribute(AttributeNames.Inputs).Json), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tools_InParallel_AreParentsOfTheCallsThatTheyMake()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = Client(server.Address);
        using (var agent = Tracer.StartSpan("agent", SpanType.Agent))
        {
            await client.CompleteChatAsync([new UserChatMessage("which tools?")], cancellationToken: Token);
            await Task.WhenAll(ToolAsync("a"), ToolAsync("b"), ToolAsync("c"));
            await client.CompleteChatAsync([new UserChatMessage("the results")], cancellationToken: Token);
        }

        var calls = (await SpansAsync()).Where(span => span.SpanType == SpanType.ChatModel).ToList();
        Assert.Equal(["a", "agent", "agent", "b", "c"], calls.Select(call => call.Parent!.Name).Order(StringComparer.Ordinal));

        async Task ToolAsync(string name)
        {
            using var tool = Tracer.StartSpan(name, SpanType.Tool);
            await Task.Yield();
            await client.CompleteChatAsync([new UserChatMessage(name)], cancellationToken: Token);
        }
    }

    [Fact]
    public async Task Streams_WithACallBetweenTheirChunks_KeepTheirParents()
    {
        await using var server = await LoopbackServer.StartAsync((context, number) => number == 1 ? Sse(context, Chunks) : Json(context, Answer));
        var client = Client(server.Address);
        LiveSpan root;
        using (root = Tracer.StartSpan("root", SpanType.Chain))
        {
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
            {
                if (update.ContentUpdate.Any(part => part.Text == "Hel"))
                {
                    Assert.Same(root, Tracer.Current);
                    await client.CompleteChatAsync([new UserChatMessage("y")], cancellationToken: Token);
                }
            }

            Assert.Same(root, Tracer.Current);
        }

        var calls = (await SpansAsync()).Where(span => span.SpanType == SpanType.ChatModel).ToList();
        Assert.Equal(2, calls.Count);
        Assert.All(calls, call => Assert.Same(root, call.Parent));
    }

    [Fact]
    public async Task Calls_InAspNetCoreRequests_StayInTheTraceOfTheirRequest()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = Client(server.Address);
        var traces = new ConcurrentDictionary<string, string>();
        await using var app = await StartAppAsync(async context =>
        {
            var question = context.Request.Query["q"].ToString();
            using var root = Tracer.StartSpan("request " + question, SpanType.Workflow);
            traces[question] = root.TraceId;
            await client.CompleteChatAsync([new UserChatMessage("first " + question)], cancellationToken: Token);
            await client.CompleteChatAsync([new UserChatMessage("second " + question)], cancellationToken: Token);
        });
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using var http = new HttpClient();

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => http.GetStringAsync(new Uri($"{address}/?q=number{i}"), Token)));

        var calls = (await SpansAsync()).Where(span => span.SpanType == SpanType.ChatModel).ToList();
        Assert.Equal(40, calls.Count);
        Assert.All(calls, call =>
        {
            var question = call.Parent!.Name["request ".Length..];
            Assert.Equal(traces[question], call.TraceId);
            Assert.Contains($" {question}\"", System.Text.Encoding.UTF8.GetString(call.Attribute(AttributeNames.Inputs).Json), StringComparison.Ordinal);
        });
    }

    private static async Task<WebApplication> StartAppAsync(RequestDelegate handle)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(handle);
        await app.StartAsync();
        return app;
    }
}
