using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using MLflow.Sdk.Tests.Capture;
using OpenAI;
using OpenAI.Responses;
using OpenTelemetry;
using OpenTelemetry.Trace;
using Xunit;

namespace MLflow.Extensions.Tests.Clients;

/// <summary>A client that several of our layers trace, and the program's own telemetry beside them: one call stays one span, and each side has its facts.</summary>
public sealed class LayersTests : ModelTestBase
{
    public static TheoryData<bool, bool, bool> Cases
    {
        get
        {
            var cases = new TheoryData<bool, bool, bool>();
            for (var i = 0; i < 8; i++)
            {
                cases.Add((i & 1) != 0, (i & 2) != 0, (i & 4) != 0);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task ClientAndPipeline_BothTraced_AreOneSpanForEachCall(bool streams, bool autolog, bool isBlind)
    {
        if (autolog)
        {
            Autolog();
        }

        using var client = PipelineClient(isBlind).AsIChatClient().AsBuilder().UseFunctionInvocation().Use(Traced).Build();
        LiveSpan question;
        using (question = Tracer.StartSpan("question", SpanType.Workflow))
        {
            await AskAsync(client, streams);
            Assert.Same(question, Tracer.Current);
        }

        var spans = await SpansAsync();
        Assert.Equal("WORKFLOW[CHAT_MODEL TOOL CHAT_MODEL]", Tree(spans));
        foreach (var call in spans.Where(span => span.SpanType == SpanType.ChatModel))
        {
            Assert.Equal("AsyncCompletions", call.Name);
            Assert.Equal(200, call.Attribute(AttributeNames.HttpStatus).Int64);
            Assert.Equal("get_weather", (string?)Node(call, AttributeNames.ChatTools)[0]!["function"]!["name"]);
            Assert.Equal(11, call.Usage!.Value.TotalTokens);
            Assert.Equal(streams ? StreamEnds.Completed : null, call.Attribute(AttributeNames.StreamEnd).String);
            Assert.DoesNotContain(call.EndedEvents, e => e.Name == AttributeNames.AttemptEvent);
        }

        Assert.Equal(22, spans[0].Trace.TotalUsage()!.Value.TotalTokens);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task ClientAndPipeline_BothTracedAndRefused_AreOneErrorWithTheProgramsException(bool streams, bool autolog, bool isBlind)
    {
        if (autolog)
        {
            Autolog();
        }

        using var client = PipelineClient(isBlind).AsIChatClient().AsBuilder().Use(Traced).Build();

        var error = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(client, streams, "fail"));

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(400, span.Attribute(AttributeNames.HttpStatus).Int64);
        Assert.Equal(error.GetType().Name, span.Exception().Text(AttributeNames.ExceptionType));
        Assert.True(span.Has(AttributeNames.ErrorBody));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task ProgramWithItsOwnTelemetry_HasItsActivitiesAndWeOurSpans(bool streams, bool isTraced, bool isSecond)
    {
        // Whoever subscribes first hears of a request first.
        if (!isSecond)
        {
            Autolog();
        }

        var ended = new ConcurrentQueue<Activity>();
        using var app = new ActivitySource("App");
        using var provider = OpenTelemetry.Sdk.CreateTracerProviderBuilder()
            .AddSource("App", "Experimental.Microsoft.Extensions.AI", "OpenAI.*")
            .AddHttpClientInstrumentation()
            .AddProcessor(new Collector(ended))
            .Build();
        if (isSecond)
        {
            Autolog();
        }

        var builder = OpenAIClient(ownActivities: true).AsIChatClient().AsBuilder().UseFunctionInvocation();
        using var client = (isTraced ? builder.Use(Traced) : builder).UseOpenTelemetry(configure: c => c.EnableSensitiveData = true).Build();
        using (var root = app.StartActivity("root"))
        {
            await AskAsync(client, streams);
            Assert.Same(root, Activity.Current);
        }

        // Ours: each call once, with its HTTP facts.
        var spans = await SpansAsync();
        Assert.Equal(2, spans.Count(span => span.SpanType == SpanType.ChatModel));
        Assert.All(spans.Where(span => span.SpanType == SpanType.ChatModel), call =>
        {
            Assert.Equal(200, call.Attribute(AttributeNames.HttpStatus).Int64);
            Assert.Equal(11, call.Usage!.Value.TotalTokens);
            Assert.True(call.Has(AttributeNames.Outputs));
        });
        Assert.Single(spans, span => span.SpanType == SpanType.Tool);

        // Theirs: one trace, a request below each call, none of ours among them, and the header that goes out is that of the request.
        var root2 = Assert.Single(ended, activity => activity.OperationName == "root");
        Assert.All(ended, activity => Assert.Equal(root2.TraceId, activity.TraceId));
        var requests = ended.Where(activity => activity.Source.Name == "System.Net.Http").ToList();
        Assert.Equal(2, requests.Count);
        Assert.All(requests, request => Assert.Contains(ended, activity => activity.SpanId == request.ParentSpanId && activity.DisplayName.StartsWith("chat", StringComparison.Ordinal)));
        Assert.Equal(requests.Select(request => request.Id).Order(), Traceparents.Order());
        Assert.DoesNotContain(ended, activity => activity.Source.Name.StartsWith("MLflow", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task ProgramThatListensToUs_HasEachOfOurSpansBelowItsOwn(bool streams, bool hearsFrameworks)
    {
        Autolog();
        var ended = new ConcurrentQueue<Activity>();
        using var app = new ActivitySource("App");
        using var provider = OpenTelemetry.Sdk.CreateTracerProviderBuilder()
            .AddSource("App", "MLflow.Tracing", hearsFrameworks ? "Experimental.Microsoft.Extensions.AI" : "Nobody")
            .AddHttpClientInstrumentation()
            .AddProcessor(new Collector(ended))
            .Build();
        using var client = OpenAIClient().AsIChatClient().AsBuilder().UseFunctionInvocation().UseOpenTelemetry().Build();
        using (var root = app.StartActivity("root"))
        {
            using (Tracer.StartSpan("agent", SpanType.Agent))
            {
                await AskAsync(client, streams);
            }

            Assert.Same(root, Activity.Current);
        }

        // Each span once, whoever reports it: a framework's activity that is recorded stands for the span that was made of it.
        var spans = await SpansAsync();
        Assert.Equal(2, spans.Count(span => span.SpanType == SpanType.ChatModel));
        Assert.Equal(2, ended.Count(activity => activity.DisplayName == "chat gpt-4o"));
        Assert.Equal(hearsFrameworks ? 1 : spans.Count, ended.Count(activity => activity.Source.Name == "MLflow.Tracing"));
        Assert.Single(ended, activity => activity.DisplayName == "invoke_agent agent");

        // One trace, in which nobody's parent is missing.
        var root2 = Assert.Single(ended, activity => activity.OperationName == "root");
        Assert.All(ended, activity => Assert.Equal(root2.TraceId, activity.TraceId));
        Assert.All(ended.Where(activity => activity != root2), activity => Assert.Contains(ended, other => other.SpanId == activity.ParentSpanId));
        Assert.Equal(2, ended.Count(activity => activity.Source.Name == "System.Net.Http"));
        Assert.Equal(ended.Where(activity => activity.Source.Name == "System.Net.Http").Select(request => request.Id).Order(), Traceparents.Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_TakenUpAgainBelowAClient_IsOneSpan(bool isPipelineTraced)
    {
        Autolog();
        await using var server = await LoopbackServer.StartAsync((context, number) =>
        {
            var text = number == 1 ? "retry: 1\nid: a\n" + Event("Hel") : Event("lo") + "event: response.completed\ndata: " +
                """{"type":"response.completed","response":{"id":"r","object":"response","status":"completed","model":"m","output":[],"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}}""" + "\n\n";
            context.Response.ContentType = "text/event-stream";

            // Of the first answer more is announced than comes.
            context.Response.ContentLength = text.Length + (number == 1 ? 1 : 0);
            return context.Response.WriteAsync(text);
        });
        var options = new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1") };
        if (isPipelineTraced)
        {
            options.AddMlflowTracing(Capture);
        }

        using var client = new ResponsesChatClient(new OpenAIClient(new ApiKeyCredential("sk-test"), options).GetResponsesClient()).AsBuilder().Use(Traced).Build();
        var text = "";
        await foreach (var update in client.GetStreamingResponseAsync("x", cancellationToken: Token))
        {
            text += update.Text;
        }

        Assert.Equal("Hello", text);
        Assert.Equal(2, server.Bodies.Count);
        var span = Assert.Single(await SpansAsync());
        Assert.Equal(StreamEnds.Completed, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(3, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.Equal(2, span.EndedEvents.Count(e => e.Name == AttributeNames.AttemptEvent));

        static string Event(string delta) =>
            $$"""event: response.output_text.delta{{"\n"}}data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"sequence_number":1,"delta":"{{delta}}"}{{"\n\n"}}""";
    }

    private OpenAI.Chat.ChatClient PipelineClient(bool isBlind) => OpenAIClient(configure: options =>
    {
        options.AddMlflowTracing(Capture);
        if (isBlind)
        {
            // Without a propagator the handler has no diagnostics.
            options.Transport = new HttpClientPipelineTransport(new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }));
        }
    });

    private static async Task AskAsync(IChatClient client, bool streams, string question = "Weather?")
    {
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string city) => Weather, "get_weather")] };
        if (!streams)
        {
            await client.GetResponseAsync(question, options, Token);
            return;
        }

        await foreach (var update in client.GetStreamingResponseAsync(question, options, Token))
        {
        }
    }

    private IChatClient Traced(IChatClient inner) => new TracedChatClient(inner, Tracer, Log);

    /// <summary>Microsoft.Extensions.AI.OpenAI 10.11 calls a method of the streaming Responses client that OpenAI 2.15 no longer has.</summary>
    private sealed class ResponsesChatClient(ResponsesClient client) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await foreach (var update in await client.CreateResponseStreamingAsync("m", messages.Last().Text, cancellationToken: cancellationToken))
            {
                if (update is StreamingResponseOutputTextDeltaUpdate delta)
                {
                    yield return new ChatResponseUpdate(ChatRole.Assistant, delta.Delta);
                }
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    private sealed class Collector(ConcurrentQueue<Activity> ended) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => ended.Enqueue(data);
    }
}
