using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>The command as a desktop agent starts it: the official client, a process, standard input and output.</summary>
public sealed class McpCommandTests : CommandTestBase
{
    [Fact]
    public async Task Tools_OverStandardInput_AnswerAsThoseOfTheServer()
    {
        string id, spanId;
        using (var root = Client.StartSpan("天気", SpanType.Agent, new SpanOptions { Attributes = { ["mlflow.llm.model"] = "gpt-x", ["mlflow.chat.tokenUsage"] = new { input_tokens = 1, output_tokens = 2, total_tokens = 3 } } }))
        {
            (id, spanId) = (root.TraceId, root.SpanId);
            root.SetInputs(new { city = "東京" });
            Client.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", Tags = { ["tier"] = "gold" } });
            using var child = Client.StartSpan("child", SpanType.Tool);
            child.RecordException(new InvalidOperationException("no"));
        }

        await Client.FlushAsync(Token);
        await Client.LogFeedbackAsync(id, "helpful", true, rationale: "right", cancellationToken: Token);
        var experimentId = await ExperimentIdAsync();
        await using var local = await McpClient.CreateAsync(
            new StdioClientTransport(new StdioClientTransportOptions
            {
                Command = "dotnet",
                Arguments = [Path.Combine(AppContext.BaseDirectory, "dotnet-mlflow.dll"), "mcp", "run"],
                EnvironmentVariables = new Dictionary<string, string?> { ["MLFLOW_TRACKING_URI"] = Address },
            }),
            cancellationToken: Token);
        await using var remote = await McpClient.CreateAsync(new HttpClientTransport(new HttpClientTransportOptions { Endpoint = new Uri(new Uri(Address), "/mcp") }), cancellationToken: Token);

        var tools = await local.ListToolsAsync(cancellationToken: Token);
        Assert.Equal((await remote.ListToolsAsync(cancellationToken: Token)).Select(tool => tool.Name), tools.Select(tool => tool.Name));
        var assessment = (await Client.GetTraceAsync(id, Token)).Assessments.Single().AssessmentId!;
        foreach (var (tool, arguments) in ((string, Dictionary<string, object?>)[])
        [
            ("search_experiments", new() { ["filter_string"] = "name = 'mine'" }),
            ("get_experiment", new() { ["experiment_name"] = "mine" }),
            ("get_experiment", new() { ["experiment_id"] = experimentId }),
            ("get_span", new() { ["trace_id"] = id, ["span_id"] = spanId }),
            ("search_in_trace", new() { ["trace_id"] = id, ["text"] = "東京" }),
            ("list_trace_assessments", new() { ["trace_id"] = id }),
            ("get_trace_assessment", new() { ["trace_id"] = id, ["assessment_id"] = assessment }),
            ("get_traces_overview", new() { ["experiment_id"] = experimentId }),
            ("search_sessions", new() { ["experiment_id"] = experimentId }),
        ])
        {
            Assert.Equal(Text(await remote.CallToolAsync(tool, arguments, cancellationToken: Token)), Text(await local.CallToolAsync(tool, arguments, cancellationToken: Token)));
        }

        // What only the server derives, as the model of a trace, is not in REST.
        var outline = JsonElement.Parse(Text(await local.CallToolAsync("get_trace", new Dictionary<string, object?> { ["trace_id"] = id }, cancellationToken: Token)));
        Assert.Equal(["天気", "child"], outline.GetProperty("spans").EnumerateArray().Select(span => span.GetProperty("name").GetString()));
        Assert.Contains("no", outline.GetProperty("spans")[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        var found = JsonElement.Parse(Text(await local.CallToolAsync("search_traces", new Dictionary<string, object?> { ["experiment_id"] = experimentId }, cancellationToken: Token)));
        Assert.Equal((id, "s-1", 3), (found.GetProperty("traces")[0].GetProperty("trace_id").GetString(), found.GetProperty("traces")[0].GetProperty("session").GetString(), found.GetProperty("traces")[0].GetProperty("tokens").GetProperty("total").GetInt32()));

        var missing = await local.CallToolAsync("get_trace", new Dictionary<string, object?> { ["trace_id"] = "tr-nope" }, cancellationToken: Token);
        Assert.True(missing.IsError ?? false);
        var wrong = await local.CallToolAsync("search_traces", new Dictionary<string, object?> { ["experiment_id"] = experimentId, ["filter_string"] = "colour = 1" }, cancellationToken: Token);
        Assert.StartsWith("INVALID_PARAMETER_VALUE: ", Assert.IsType<TextContentBlock>(wrong.Content[0]).Text, StringComparison.Ordinal);

        static string Text(CallToolResult result)
        {
            var text = Assert.IsType<TextContentBlock>(Assert.Single(result.Content)).Text;
            Assert.False(result.IsError ?? false, text);
            return text;
        }
    }

    [Fact]
    public async Task Size_ThatIsNotPossible_IsNamed()
    {
        var result = await RunAsync("mcp", "--max-answer-bytes", "10");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--max-answer-bytes 10 is not possible: it must be 8192 to 1048576", result.Errors, StringComparison.Ordinal);
    }
}
