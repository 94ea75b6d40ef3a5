using System.ClientModel;
using System.ClientModel.Primitives;
using MLflow.Tests;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class ChatFailureCaptureTests : CaptureTestBase
{
    private const string Error401 = """{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}""";

    [Fact]
    public async Task Chat_RetriedOnce_IsOneSpanWithTwoAttempts()
    {
        await using var server = await LoopbackServer.StartAsync((context, n) =>
        {
            context.Response.Headers["retry-after-ms"] = "1";
            context.Response.Headers["x-ratelimit-remaining-requests"] = "0";
            return n == 1 ? Json(context, Error429, 429) : Json(context, Answer);
        });

        await Client(server.Address).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token);

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
        Assert.Equal(2, span.EndedEvents.Count);
        Assert.All(span.EndedEvents, e => Assert.Equal(AttributeNames.AttemptEvent, e.Name));
        var first = span.EndedEvents[0].Attributes.ToDictionary(a => a.Key, a => a.Value);
        Assert.Equal(1, first[AttributeNames.AttemptNumber].Int64);
        Assert.Equal(429, first[AttributeNames.HttpStatus].Int64);
        Assert.Equal(1.0, first[AttributeNames.AttemptRetryAfter].Double);
        Assert.Equal("0", first["x-ratelimit-remaining-requests"].String);
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Fact]
    public async Task Chat_RefusedKey_HasTheExceptionThatTheProgramSees()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Error401, 401));

        var thrown = await Assert.ThrowsAsync<ClientResultException>(
            () => Client(server.Address).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("ClientResultException: " + thrown.Message, span.StatusMessage);
        var exception = span.Exception();
        Assert.Equal("ClientResultException", exception.Text(AttributeNames.ExceptionType));
        Assert.Equal(thrown.Message, exception.Text(AttributeNames.ExceptionMessage));
        Assert.Contains("OpenAI.", exception.Text(AttributeNames.ExceptionStackTrace), StringComparison.Ordinal);
        Assert.False(span.Has(AttributeNames.Outputs));
        Assert.Equal(401, span.Attribute(AttributeNames.HttpStatus).Int64);
    }

    [Fact]
    public async Task Chat_RefusedKeyWithoutTheSdk_HasWhatTheBodySays()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Error401, 401));
        using var http = new HttpClient();

        using var response = await http.PostAsync(new Uri(server.Address, "/v1/chat/completions"), new StringContent("{}"), Token);

        var exception = (await SingleSpanAsync()).Exception();
        Assert.Equal("invalid_request_error", exception.Text(AttributeNames.ExceptionType));
        Assert.Equal("HTTP 401 (invalid_request_error: invalid_api_key): Incorrect API key provided", exception.Text(AttributeNames.ExceptionMessage));
        Assert.Null(exception.Text(AttributeNames.ExceptionStackTrace));
    }

    [Fact]
    public async Task Chat_FailedFinally_IsRecordedSoonWithoutAFlush()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Error401, 401));
        var ended = new TaskCompletionSource<LiveSpan>();
        var tracer = SomeOutlet.Of(new SignallingExporter(ended)).Tracer;
        Capture.Dispose();
        using var capture = new HttpCapture(tracer, Log, new OpenAIAutologOptions());
        capture.Listen();

        await Assert.ThrowsAsync<ClientResultException>(
            () => Client(server.Address).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token));

        var span = await ended.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        Assert.Equal("ClientResultException", span.Exception().Text(AttributeNames.ExceptionType));
    }

    [Fact]
    public async Task Chat_ServerErrorOnEveryTry_IsOneSpanWithFourAttempts()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) =>
        {
            context.Response.Headers["retry-after-ms"] = "1";
            return Json(context, """{"error":{"message":"boom","type":"server_error"}}""", 500);
        });

        // Retry-After is taken only when it is longer than the back-off; a policy without back-off keeps the test short.
        var thrown = Assert.Throws<ClientResultException>(
            () => Client(server.Address, o => o.RetryPolicy = new ImmediateRetries()).CompleteChat([new UserChatMessage("x")], cancellationToken: Token));

        Assert.Equal(4, server.Bodies.Count);
        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal(4, span.EndedEvents.Count(e => e.Name == AttributeNames.AttemptEvent));
        Assert.Equal(thrown.Message, span.Exception().Text(AttributeNames.ExceptionMessage));
    }

    [Fact]
    public async Task Chat_ConnectionRefused_HasTheRealExceptionAndTheRequest()
    {
        var port = FreePort.Next();

        await Assert.ThrowsAnyAsync<Exception>(
            () => Client(new Uri($"http://127.0.0.1:{port}"), NoRetries).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("HttpRequestException", span.Exception().Text(AttributeNames.ExceptionType));
        Assert.Contains("SocketException", span.Exception().Text(AttributeNames.ExceptionStackTrace), StringComparison.Ordinal);
        AssertJson("""{"messages":[{"role":"user","content":"x"}],"model":"gpt-4o"}""", span.Attribute(AttributeNames.Inputs));
    }

    [Fact]
    public async Task Chat_CancelledBeforeTheAnswer_IsAnErrorWithTheRealException()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            cancel.Cancel();
            var gone = new TaskCompletionSource();
            await using var registration = context.RequestAborted.Register(gone.SetResult);
            await gone.Task;
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Client(server.Address).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: cancel.Token));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.EndsWith("CanceledException", span.Exception().Text(AttributeNames.ExceptionType), StringComparison.Ordinal);
        Assert.False(span.Has(AttributeNames.HttpStatus));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_TimedOut_IsAnErrorWithItsTime(bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            var gone = new TaskCompletionSource();
            await using var registration = context.RequestAborted.Register(gone.SetResult);
            await gone.Task;
        });
        var client = Client(server.Address, o =>
        {
            NoRetries(o);
            o.NetworkTimeout = TimeSpan.FromMilliseconds(500);
        });

        await Assert.ThrowsAnyAsync<Exception>(async () => _ = isAsync
            ? await client.CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token)
            : client.CompleteChat([new UserChatMessage("x")], cancellationToken: Token));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.EndsWith("CanceledException", span.Exception().Text(AttributeNames.ExceptionType), StringComparison.Ordinal);
        Assert.True(span.EndNs > span.StartNs);
    }

    [Fact]
    public async Task Chat_FailedBelowARoot_IsExportedWhenTheRootEnds()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Error401, 401));
        using (Tracer.StartSpan("root", SpanType.Chain))
        {
            await Assert.ThrowsAsync<ClientResultException>(
                () => Client(server.Address).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token));
        }

        // No drain: the end of the root made the failure final, and the worker had only this to do.
        for (var i = 0; i < 1000 && Exporter.Exports.Count == 0; i++)
        {
            await Task.Yield();
        }

        await Capture.DrainAsync(Token);
        Assert.Equal(2, Assert.Single(Exporter.Exports).Spans.Count);
    }

    [Fact]
    public async Task Request_Redirected_IsOneSpanWithTwoAttempts()
    {
        await using var server = await LoopbackServer.StartAsync((context, n) =>
        {
            if (n > 1)
            {
                return Json(context, Answer);
            }

            context.Response.StatusCode = 307;
            context.Response.Headers.Location = "/v2/chat/completions";
            return Task.CompletedTask;
        });
        using var http = new HttpClient();

        using var response = await http.PostAsync(new Uri(server.Address, "/v1/chat/completions"), new StringContent("""{"model":"m"}"""), Token);

        var span = await SingleSpanAsync();
        Assert.Equal(2, span.EndedEvents.Count(e => e.Name == AttributeNames.AttemptEvent));
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
    }

    private sealed class SignallingExporter(TaskCompletionSource<LiveSpan> ended) : ITraceExporter
    {
        public void Enqueue(TraceExport export, bool inBackground) => ended.TrySetResult(export.Spans[0]);

        public bool ShowsRunning(TraceDestination destination) => false;
    }

    private sealed class ImmediateRetries : ClientRetryPolicy
    {
        protected override TimeSpan GetNextDelay(PipelineMessage message, int tryCount) => TimeSpan.Zero;
    }
}
