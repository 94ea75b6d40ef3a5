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
        Assert.Equal(["run_tool_agent", "get_weather"], new[] { spans[0]!, spans[2]! }.Select(span => span["name"]!.GetValue<string>()));
        var root = spans[0]!["span_id"]!.GetValue<string>();
        Assert.All(spans.Skip(1), span => Assert.Equal(root, span!["parent_span_id"]!.GetValue<string>()));
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
    public async Task Sample_NoServer_SaysWhatToStart()
    {
        // Port 1 of this machine: nothing listens there.
        var output = await RunAsync("basic", "http://127.0.0.1:1");

        Assert.Contains("The capital of France is Paris.", output, StringComparison.Ordinal);
        Assert.Contains("not stored: 1", output, StringComparison.Ordinal);
        Assert.Contains("dotnet mlflow server", output, StringComparison.Ordinal);
    }

    private static string OutputsOf(JsonNode span)
    {
        var outputs = span["attributes"]!.AsArray().Single(attribute => attribute!["key"]!.GetValue<string>() == "mlflow.spanOutputs");
        return outputs!["value"]!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private static async Task<string> RunAsync(string sample, string trackingUri)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "MLflow.slnx")))
        {
            root = root.Parent;
        }

        Assert.NotNull(root);
        await using var run = CliProcess.DotNet(root.FullName, ["run", $"samples/{sample}.cs"], ("MLFLOW_TRACKING_URI", trackingUri));
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
