using MLflow.Sdk.Tests.Capture;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Tests.Privacy;

/// <summary>How much is recorded.</summary>
[Collection("capture")]
public sealed class CaptureModeTests : PrivacyTestBase, IDisposable
{
    private const string Content = "chapter and verse";

    public void Dispose() => OpenAIAutolog.Set(Mlflow.Client, disable: true, configure: null);

    [Theory]
    [InlineData(null, CaptureMode.Full)]
    [InlineData("", CaptureMode.Full)]
    [InlineData("true", CaptureMode.Full)]
    [InlineData("SPAN_ONLY", CaptureMode.Full)]
    [InlineData("span_and_event", CaptureMode.Full)]
    [InlineData("False", CaptureMode.Metadata)]
    [InlineData("NO_CONTENT", CaptureMode.Metadata)]
    [InlineData("EVENT_ONLY", CaptureMode.Metadata)]
    public void Variable_OfOpenTelemetry_Decides(string? value, CaptureMode expected)
    {
        Assert.Equal(expected, CaptureModes.Of(new PrivacyOptions(), value, new SelfLog(Log, TimeProvider.System)));
        Assert.Empty(Log.Lines);
    }

    [Fact]
    public void Variable_WithAnotherValue_RecordsNoContentAndSaysSo()
    {
        Assert.Equal(CaptureMode.Metadata, CaptureModes.Of(new PrivacyOptions(), "yes please", new SelfLog(Log, TimeProvider.System)));
        Assert.Contains("yes please", Assert.Single(Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Program_SaysItself_GoesBeforeTheVariable() =>
        Assert.Equal(CaptureMode.Full, CaptureModes.Of(new PrivacyOptions { Capture = CaptureMode.Full }, "false", new SelfLog(Log, TimeProvider.System)));

    [Fact]
    public async Task Metadata_OfOwnSpans_HasNoContent()
    {
        var trace = await TraceAsync(
            privacy =>
            {
                privacy.Capture = CaptureMode.Metadata;
                privacy.MetadataAttributes.Add("tenant");
            },
            (client, span) =>
            {
                span.SetInputs(new { question = Content });
                span.SetOutputs(Content);
                span.SetAttribute("note", Content);
                span.SetAttribute("tenant", "acme");
                span.SetAttribute("tries", 3);
                span.AddEvent("said", [new("text", Content), new("n", 1)]);
                span.RecordException(new InvalidOperationException(Content));
                client.UpdateCurrentTrace(new TraceUpdate { RequestPreview = Content, ResponsePreview = Content, Tags = new Dictionary<string, string> { ["tier"] = "gold" } });
            });

        Assert.DoesNotContain(Content, Everything(trace), StringComparison.Ordinal);
        Assert.Equal(("acme", "3", "metadata", "gold"), (Text(trace.Root!.Attributes["tenant"]), Text(trace.Root.Attributes["tries"]), Text(trace.Root.Attributes["mlflow.capture.mode"]), trace.Tags["tier"]));
        Assert.Equal((SpanStatusCode.Error, "InvalidOperationException"), (trace.Root.StatusCode, trace.Root.StatusMessage));
        Assert.Equal("InvalidOperationException", Text(trace.Root.Events.Single(e => e.Name == "exception").Attributes["exception.type"]));
        Assert.Equal("1", Text(trace.Root.Events.Single(e => e.Name == "said").Attributes["n"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Metadata_OfCalls_KeepsModelUsageToolsAndTimes(bool byAutolog)
    {
        await using var model = await LoopbackServer.StartAsync(AnswerAsync);
        await using var client = Client(privacy => privacy.Capture = byAutolog ? null : CaptureMode.Metadata);
        await using var collector = TraceCollector.Start(client);
        OpenAIAutolog.Set(client, disable: true, configure: null);
        OpenAIAutolog.Set(client, disable: false, configure: options => options.Capture = byAutolog ? CaptureMode.Metadata : null);
        var chat = CaptureTestBase.Client(model.Address, CaptureTestBase.NoRetries);
        var options = new ChatCompletionOptions { Temperature = 0.5f, Tools = { ChatTool.CreateFunctionTool("lookup", Content, BinaryData.FromString("""{"type":"object"}""")) } };
        await chat.CompleteChatAsync([new UserChatMessage(Content)], options, Token);
        await foreach (var _ in chat.CompleteChatStreamingAsync([new UserChatMessage(Content + " stream")], cancellationToken: Token))
        {
        }

        await Assert.ThrowsAsync<System.ClientModel.ClientResultException>(() => chat.CompleteChatAsync([new UserChatMessage(Content + " fail")], cancellationToken: Token));
        await client.FlushAsync(Token);

        var traces = await collector.GetTracesAsync(cancellationToken: Token);

        Assert.Equal(3, traces.Count);
        Assert.All(traces, trace => Assert.DoesNotContain(Content, Everything(trace), StringComparison.Ordinal));
        Assert.All(traces, trace => Assert.DoesNotContain("Paris", Everything(trace), StringComparison.Ordinal));
        var call = traces[0].Root!;
        Assert.Null(call.Inputs);
        Assert.Null(call.Outputs);
        Assert.Equal(("gpt-4o", "0.5", "stop", "200"), (Text(call.Attributes["mlflow.llm.model"]), Text(call.Attributes["temperature"]), Text(call.Attributes["mlflow.llm.finish_reason"]), Text(call.Attributes["http.response.status_code"])));
        Assert.Equal(19, call.Attributes["mlflow.chat.tokenUsage"].GetProperty("input_tokens").GetInt32());
        Assert.Equal("""[{"type":"function","function":{"name":"lookup"}}]""", Text(call.Attributes["mlflow.chat.tools"]));
        Assert.Contains("PrivacyOptions.Capture", traces[0].Exchanges[0].MissingOfResponse, StringComparison.Ordinal);
        var stream = traces[1].Root!;
        Assert.True(stream.Attributes.ContainsKey("mlflow.stream.time_to_first_token_ms"));
        Assert.Equal(5, stream.Events.Count(e => e.Name.StartsWith("mlflow.chunk.item.", StringComparison.Ordinal)));
        var failed = traces[2].Root!;
        Assert.Equal((SpanStatusCode.Error, "400"), (failed.StatusCode, Text(failed.Attributes["http.response.status_code"])));
        Assert.Equal("bad_words", Text(failed.Attributes["openai.error.code"]));
    }

    [Fact]
    public async Task Off_NothingIsRecorded()
    {
        await using var client = Client(privacy => privacy.Capture = CaptureMode.Off);
        using (client.StartSpan("x"))
        {
        }

        var result = await client.FlushAsync(Token);

        Assert.Equal((0, 0, 0), (result.Exported, result.Pending, result.Dropped));
    }

    [Fact]
    public async Task AutologOff_CallsAreNotRecorded()
    {
        await using var model = await LoopbackServer.StartAsync(AnswerAsync);
        await using var client = Client(_ => { });
        await using var collector = TraceCollector.Start(client);
        OpenAIAutolog.Set(client, disable: false, configure: options => options.Capture = CaptureMode.Off);

        await CaptureTestBase.Client(model.Address).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token);

        Assert.Empty(await collector.GetTracesAsync(cancellationToken: Token));
    }

    private static Task AnswerAsync(Microsoft.AspNetCore.Http.HttpContext context, int number)
    {
        var body = (string)context.Items["body"]!;
        return body.Contains("fail", StringComparison.Ordinal)
            ? CaptureTestBase.Json(context, """{"error":{"message":"…","type":"invalid_request_error","param":null,"code":"bad_words"}}""".Replace("…", Content, StringComparison.Ordinal), 400)
            : body.Contains("\"stream\"", StringComparison.Ordinal) ? CaptureTestBase.Sse(context, CaptureTestBase.Chunks)
            : CaptureTestBase.Json(context, CaptureTestBase.Answer);
    }
}
