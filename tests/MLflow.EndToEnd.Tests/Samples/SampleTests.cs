using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Samples;

/// <summary>Runs each sample as a user does, <c>dotnet run samples/basic.cs</c>, and looks at what a server then has.</summary>
public sealed class SampleTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private MlflowServer _server = null!;
    private TrackingApi _api = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = _folder.StoreUri }, Token);
        _api = new TrackingApi(_server.BaseAddress);
    }

    public async ValueTask DisposeAsync()
    {
        _api.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("basic", "openai-tracing-demo", "The capital of France is Paris.")]
    [InlineData("async", "openai-async-demo", "On Titan")]
    public async Task Sample_OneCall_StoresItsTrace(string sample, string experiment, string answer)
    {
        var output = await RunAsync(sample, _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync(experiment);

        Assert.Contains(answer, output, StringComparison.Ordinal);
        Assert.Contains("scripted endpoint", output, StringComparison.Ordinal);
        Assert.Contains($"traces/{trace["trace_id"]}", output, StringComparison.Ordinal);
        var call = Assert.Single(spans)!;
        Assert.Equal("CHAT_MODEL", TrackingApi.Attribute(call, "mlflow.spanType"));
        Assert.Contains(answer, OutputsOf(call), StringComparison.Ordinal);
        Assert.Contains("total_tokens", trace["trace_metadata"]!["mlflow.trace.tokenUsage"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("databricks", "/Shared/openai-tracing-demo")]
    [InlineData("databricks_secrets", "/Shared/openai-tracing-demo")]
    [InlineData("databricks_serving", "/Shared/serving-endpoint-demo")]
    public async Task Databricks_NoWorkspace_SaysSoAndTracesHere(string sample, string experiment)
    {
        var output = await RunAsync(sample, _server.BaseAddress.ToString());
        var (_, spans) = await SingleTraceAsync(experiment);

        Assert.Contains("[sample] The tracking URI 'databricks' needs the address of a Databricks workspace, and none was found. So traces go to", output, StringComparison.Ordinal);
        Assert.Contains("The capital of France is Paris.", output, StringComparison.Ordinal);
        Assert.Contains("The capital of France is Paris.", OutputsOf(Assert.Single(spans)!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task StructuredOutput_Schema_IsStoredWithTheAnswerThatFits()
    {
        var output = await RunAsync("structured_output", _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync("openai-structured-output-demo");

        Assert.Contains("x = -15 / 4", output, StringComparison.Ordinal);
        var call = AssertCall(Assert.Single(spans), "AsyncCompletions", "CHAT_MODEL", "gpt-4o-mini");
        Assert.Contains("How can I solve 8x + 7 = -23?", InputsOf(call), StringComparison.Ordinal);
        Assert.Contains("math_reasoning", InputsOf(call), StringComparison.Ordinal);
        Assert.Contains("\\\"final_answer\\\":\\\"x = -3.75\\\"", OutputsOf(call), StringComparison.Ordinal);
        AssertTokens(trace);
    }

    [Fact]
    public async Task Azure_ByItsV1Address_StoresItsTrace()
    {
        var output = await RunAsync("azure", _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync("azure-openai-demo");

        Assert.Contains("scripted endpoint", output, StringComparison.Ordinal);
        Assert.Contains("AZURE_OPENAI_ENDPOINT", output, StringComparison.Ordinal);
        var call = AssertCall(Assert.Single(spans), "AsyncCompletions", "CHAT_MODEL", "gpt-4o-mini");
        Assert.EndsWith("/openai/v1/chat/completions", TrackingApi.Attribute(call, "url.full"), StringComparison.Ordinal);
        Assert.Contains("The capital of France is Paris.", OutputsOf(call), StringComparison.Ordinal);
        AssertTokens(trace);
    }

    [Fact]
    public async Task Embeddings_SeveralInputs_StoreOneCall()
    {
        var output = await RunAsync("embeddings", _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync("openai-embeddings-demo");

        Assert.Contains("1.00  How fast would a glass of water freeze on Titan?", output, StringComparison.Ordinal);
        var call = AssertCall(Assert.Single(spans), "Embeddings", "EMBEDDING", "text-embedding-3-small");
        Assert.Contains("How fast would a lake freeze on Titan?", InputsOf(call), StringComparison.Ordinal);
        Assert.Contains("embedding", OutputsOf(call), StringComparison.Ordinal);
        AssertTokens(trace);
    }

    [Fact]
    public async Task Images_OnePicture_StoresItsCall()
    {
        var output = await RunAsync("images", _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync("openai-images-demo");

        Assert.Contains("The picture has", output, StringComparison.Ordinal);
        var call = AssertCall(Assert.Single(spans), "Images", "TOOL", "gpt-image-1");
        Assert.Contains("A round moon above the sea", InputsOf(call), StringComparison.Ordinal);

        // The beginning of every PNG in base64.
        Assert.Contains("iVBORw0KGgo", OutputsOf(call), StringComparison.Ordinal);
        AssertTokens(trace);
    }

    [Fact]
    public async Task Audio_SpeechAndTranscription_AreTwoCallsOfOneTrace()
    {
        var output = await RunAsync("audio", _server.BaseAddress.ToString());
        var (_, spans) = await SingleTraceAsync("openai-audio-demo");

        const string Heard = "I was given speech.wav, 31724 bytes, 0.66 seconds of sound.";
        Assert.Contains(Heard, output, StringComparison.Ordinal);
        Assert.Equal(["say_and_listen", "AsyncSpeech", "AsyncTranscriptions"], spans.Select(span => span!["name"]!.GetValue<string>()));
        var speech = AssertCall(spans[1], "AsyncSpeech", "TOOL", "gpt-4o-mini-tts");
        Assert.Contains("Today is a wonderful day", InputsOf(speech), StringComparison.Ordinal);
        Assert.Contains("alloy", InputsOf(speech), StringComparison.Ordinal);
        Assert.Contains("audio/wav", OutputsOf(speech), StringComparison.Ordinal);
        Assert.Contains("31724", OutputsOf(speech), StringComparison.Ordinal);
        var transcription = AssertCall(spans[2], "AsyncTranscriptions", "TOOL", "gpt-4o-mini-transcribe");
        Assert.Contains("speech.wav", InputsOf(transcription), StringComparison.Ordinal);
        Assert.Contains(Heard, OutputsOf(transcription), StringComparison.Ordinal);
        Assert.Equal(Heard, TrackingApi.Attribute(spans[0]!, "mlflow.spanOutputs"));
    }

    [Fact]
    public async Task Responses_PlainContinuedStreamedAndWithATool_StoreFourTraces()
    {
        var output = await RunAsync("responses", _server.BaseAddress.ToString());
        var traces = await _api.SearchAsync("openai-responses-demo", Token);
        var spans = new List<JsonArray>();
        foreach (var trace in traces)
        {
            Assert.Equal("OK", trace!["state"]!.GetValue<string>());
            AssertTokens(trace);
            spans.Add(await _api.SpansAsync(trace["trace_id"]!.GetValue<string>(), Token));
        }

        Assert.Equal([1, 1, 1, 4], spans.Select(each => each.Count));
        var first = AssertCall(spans[0][0], "AsyncResponses", "CHAT_MODEL", "gpt-4o-mini");
        Assert.Contains("What is the capital of France?", InputsOf(first), StringComparison.Ordinal);
        Assert.Contains("The capital of France is Paris.", OutputsOf(first), StringComparison.Ordinal);

        var next = AssertCall(spans[1][0], "AsyncResponses", "CHAT_MODEL", "gpt-4o-mini");
        Assert.Equal(TrackingApi.Attribute(first, "gen_ai.response.id"), TrackingApi.Attribute(next, "previous_response_id"));
        Assert.Contains("The capital of Japan is Tokyo.", OutputsOf(next), StringComparison.Ordinal);

        var streamed = AssertCall(spans[2][0], "AsyncResponses", "CHAT_MODEL", "gpt-4o-mini");
        var answer = Assert.Single(output.Split('\n'), line => line.StartsWith("On Titan", StringComparison.Ordinal)).TrimEnd();
        Assert.Contains(answer, OutputsOf(streamed), StringComparison.Ordinal);
        Assert.DoesNotContain("response.output_text.delta", OutputsOf(streamed), StringComparison.Ordinal);
        Assert.True(streamed["events"]!.AsArray().Count > 20);

        Assert.Equal(["AGENT", "CHAT_MODEL", "TOOL", "CHAT_MODEL"], spans[3].Select(span => TrackingApi.Attribute(span!, "mlflow.spanType")));
        Assert.Contains("function_call", OutputsOf(spans[3][1]!), StringComparison.Ordinal);
        Assert.Contains("function_call_output", InputsOf(spans[3][3]!), StringComparison.Ordinal);
        Assert.Equal("The weather in Paris today is rainy.", TrackingApi.Attribute(spans[3][0]!, "mlflow.spanOutputs"));
    }

    [Fact]
    public async Task ExtensionsAI_FunctionInvocation_StoresAgentModelAndToolSpans()
    {
        var output = await RunAsync("extensions_ai", _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync("extensions-ai-demo");

        const string Answer = "The weather in Paris today is rainy. The weather in Tokyo today is sunny.";
        Assert.Contains(Answer, output, StringComparison.Ordinal);
        Assert.Equal(["ask_about_weather", "AsyncCompletions", "get_weather", "get_weather", "AsyncCompletions"], spans.Select(span => span!["name"]!.GetValue<string>()));
        Assert.Equal(["AGENT", "CHAT_MODEL", "TOOL", "TOOL", "CHAT_MODEL"], spans.Select(span => TrackingApi.Attribute(span!, "mlflow.spanType")));
        var root = spans[0]!["span_id"]!.GetValue<string>();
        Assert.All(spans.Skip(1), span => Assert.Equal(root, span!["parent_span_id"]!.GetValue<string>()));
        Assert.Equal(["rainy", "sunny"], spans.Skip(2).Take(2).Select(span => TrackingApi.Attribute(span!, "mlflow.spanOutputs")));
        Assert.Contains("get_weather", InputsOf(spans[1]!), StringComparison.Ordinal);
        Assert.Contains(Answer, OutputsOf(spans[4]!), StringComparison.Ordinal);
        AssertTokens(trace);
    }

    [Theory]
    [InlineData("streaming", "openai-streaming-demo")]
    [InlineData("async_streaming", "openai-async-demo")]
    public async Task Sample_Streaming_StoresTheMergedAnswerAndItsChunks(string sample, string experiment)
    {
        var output = await RunAsync(sample, _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync(experiment);

        var answer = Assert.Single(output.Split('\n'), line => line.StartsWith("On Titan", StringComparison.Ordinal)).TrimEnd();
        var call = Assert.Single(spans)!;
        Assert.Contains(answer, OutputsOf(call), StringComparison.Ordinal);
        Assert.True(call["events"]!.AsArray().Count > 20);
        Assert.Contains("total_tokens", trace["trace_metadata"]!["mlflow.trace.tokenUsage"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_ToolCall_StoresAgentModelAndToolSpans()
    {
        var output = await RunAsync("agent", _server.BaseAddress.ToString());
        var (_, spans) = await SingleTraceAsync("openai-function-agent-demo");

        Assert.Contains("The weather in Paris today is rainy.", output, StringComparison.Ordinal);
        Assert.Equal(["AGENT", "CHAT_MODEL", "TOOL", "CHAT_MODEL"], spans.Select(span => TrackingApi.Attribute(span!, "mlflow.spanType")));
        Assert.Equal(["RunToolAgent", "GetWeather"], new[] { spans[0]!, spans[2]! }.Select(span => span["name"]!.GetValue<string>()));
        var root = spans[0]!["span_id"]!.GetValue<string>();
        Assert.All(spans.Skip(1), span => Assert.Equal(root, span!["parent_span_id"]!.GetValue<string>()));
        Assert.Contains("What's the weather like in Paris today?", InputsOf(spans[0]!), StringComparison.Ordinal);
        Assert.Contains("Paris", InputsOf(spans[2]!), StringComparison.Ordinal);
        Assert.Equal("rainy", TrackingApi.Attribute(spans[2]!, "mlflow.spanOutputs"));
        Assert.Equal("The weather in Paris today is rainy.", TrackingApi.Attribute(spans[0]!, "mlflow.spanOutputs"));
    }

    [Fact]
    public async Task TurnOff_SecondCall_LeavesNoTrace()
    {
        var output = await RunAsync("turn_off", _server.BaseAddress.ToString());

        Assert.Contains("Not traced: The capital of France is Paris.", output, StringComparison.Ordinal);
        await SingleTraceAsync("openai-turn-off-demo");
    }

    [Fact]
    public async Task ReplayInTests_SameCall_IsAnsweredFromTheTrace()
    {
        var output = await RunAsync("replay-in-tests", _server.BaseAddress.ToString());

        Assert.Contains("Recorded: The capital of France is Paris.", output, StringComparison.Ordinal);
        Assert.Contains("Replayed: The capital of France is Paris.", output, StringComparison.Ordinal);
        await SingleTraceAsync("openai-replay-demo");
    }

    [Fact]
    public async Task Feedback_LoggedAndOverridden_IsFoundWithItsTrace()
    {
        var output = await RunAsync("feedback", _server.BaseAddress.ToString());
        var (trace, _) = await SingleTraceAsync("openai-feedback-demo");

        Assert.Contains("Checked: names_the_capital = true", output, StringComparison.Ordinal);
        Assert.Contains($"Found: {trace["trace_id"]}, Completions: What is the capital of France?", output.Replace("AsyncCompletions", "Completions", StringComparison.Ordinal), StringComparison.Ordinal);
        foreach (var line in (string[])["capital = \"Paris\" by default", "names_the_capital = true by feedback.cs, replaced", "helpful = 4 by ada", "names_the_capital = true by bob"])
        {
            Assert.Contains($"  {line}", output, StringComparison.Ordinal);
        }

        Assert.Equal("yes", trace["tags"]!["reviewed"]!.GetValue<string>());
        Assert.Equal(4, trace["assessments"]!.AsArray().Count);
    }

    [Fact]
    public async Task AspNetCore_OneRequest_StoresItsTraceWithUserAndSession()
    {
        var output = await RunAsync("aspnetcore", _server.BaseAddress.ToString());
        var (trace, spans) = await SingleTraceAsync("aspnetcore-demo");

        Assert.Contains("The capital of France is Paris.", output, StringComparison.Ordinal);
        Assert.Contains($"Its trace: {trace["trace_id"]}", output, StringComparison.Ordinal);
        Assert.Equal(["GET /ask/{topic}", "AsyncCompletions"], spans.Select(span => span!["name"]!.GetValue<string>()));
        Assert.Equal("ada", trace["trace_metadata"]!["mlflow.trace.user"]!.GetValue<string>());
        Assert.Equal("s-1", trace["trace_metadata"]!["mlflow.trace.session"]!.GetValue<string>());
        AssertTokens(trace);
    }

    [Fact]
    public async Task OpenTelemetry_SideBySide_BothSeeTheCall()
    {
        var output = await RunAsync("with_opentelemetry", _server.BaseAddress.ToString());
        var (_, spans) = await SingleTraceAsync("opentelemetry-demo");

        Assert.Equal(["advise", "AsyncCompletions"], spans.Select(span => span!["name"]!.GetValue<string>()));
        Assert.Contains("[otel] POST (System.Net.Http) below advise", output, StringComparison.Ordinal);
        Assert.Matches(@"\[otel\] chat gpt-4o-mini \(MLflow\.Tracing\) below advise, \d+ tokens", output);
        Assert.Contains("[otel] invoke_agent advise (MLflow.Tracing) below order", output, StringComparison.Ordinal);
        Assert.Contains("[otel] order (Shop) below nothing", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CollectInTests_Agent_IsCheckedAndSendsNothing()
    {
        var output = await RunAsync("collect-in-tests", _server.BaseAddress.ToString());

        Assert.Equal(3, output.Split('\n').Count(line => line.StartsWith("ok: ", StringComparison.Ordinal)));
        Assert.Contains("  AskAsync [AGENT]", output, StringComparison.Ordinal);
        Assert.Contains("    AsyncCompletions [CHAT_MODEL]", output, StringComparison.Ordinal);
        Assert.Empty(await _api.SearchAsync("Default", Token));
    }

    [Fact]
    public async Task Gateway_WithAToken_PrintsTheTraceThatItsServerMade()
    {
        var output = await RunAsync("gateway", _server.BaseAddress.ToString());

        Assert.Contains("scripted endpoint", output, StringComparison.Ordinal);
        var lines = output.Split('\n', StringSplitOptions.TrimEntries).ToList();
        Assert.Contains("The capital of France is Paris.", lines);
        Assert.Contains(lines, line => line.Contains("[CHAT_MODEL]", StringComparison.Ordinal));
        Assert.Empty(await _api.SearchAsync("Default", Token));
    }

    [Fact]
    public async Task Sample_NoServer_SaysWhatToStart()
    {
        // Port 1 of this machine: nothing listens there.
        var output = await RunAsync("basic", "http://127.0.0.1:1");

        Assert.Contains("The capital of France is Paris.", output, StringComparison.Ordinal);
        Assert.Contains("not stored: 1", output, StringComparison.Ordinal);
        Assert.Contains("dotnet run --project src/MLflow.Cli -- server", output, StringComparison.Ordinal);
    }

    /// <summary>A call of a model, by the name and the type that <c>docs/openai-apis.md</c> gives it.</summary>
    private static JsonNode AssertCall(JsonNode? span, string name, string type, string model)
    {
        Assert.Equal(name, span!["name"]!.GetValue<string>());
        Assert.Equal(type, TrackingApi.Attribute(span, "mlflow.spanType"));
        Assert.Equal(model, TrackingApi.Attribute(span, "mlflow.llm.model"));
        return span;
    }

    private static void AssertTokens(JsonNode trace) =>
        Assert.Contains("total_tokens", trace["trace_metadata"]!["mlflow.trace.tokenUsage"]!.GetValue<string>(), StringComparison.Ordinal);

    private static string InputsOf(JsonNode span) => ValueOf(span, "mlflow.spanInputs");

    private static string OutputsOf(JsonNode span) => ValueOf(span, "mlflow.spanOutputs");

    private static string ValueOf(JsonNode span, string key)
    {
        var found = span["attributes"]!.AsArray().Single(attribute => attribute!["key"]!.GetValue<string>() == key);
        return found!["value"]!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private static async Task<string> RunAsync(string sample, string trackingUri)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "MLflow.slnx")))
        {
            root = root.Parent;
        }

        Assert.NotNull(root);
        await using var run = CliProcess.DotNet(root.FullName, ["run", $"samples/{sample}.cs"], ("MLFLOW_TRACKING_URI", trackingUri), ("DATABRICKS_CONFIG_FILE", "none"));
        Assert.True(await run.WaitAsync(Token) == 0, run.Output + run.Errors);
        return run.Output;
    }

    private async Task<(JsonNode Trace, JsonArray Spans)> SingleTraceAsync(string experiment)
    {
        var trace = Assert.Single(await _api.SearchAsync(experiment, Token))!;
        Assert.Equal("OK", trace["state"]!.GetValue<string>());
        return (trace, await _api.SpansAsync(trace["trace_id"]!.GetValue<string>(), Token));
    }
}
