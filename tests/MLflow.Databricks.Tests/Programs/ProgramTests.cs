using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks.Programs;

/// <summary>The guide's examples and the samples, run as programs of their own against the stand-ins.</summary>
public sealed class ProgramTests : WorkspaceTestBase
{
    private const string Paris = "The capital of France is Paris.";

    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-programs-").FullName;
    private StandInOpenAI _openAI = null!;

    public override async ValueTask InitializeAsync()
    {
        // The variable that makes programs trust the stand-ins' certificates is OpenSSL's.
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Programs are made to trust a certificate on Linux only.");
        await base.InitializeAsync();
        _openAI = await StandInOpenAI.StartAsync(Token);

        // As a shell stores it.
        Workspace.Secrets.Add("openai-secrets", "api-key", StandInOpenAI.Key + "\n");
    }

    public override async ValueTask DisposeAsync()
    {
        if (_openAI is not null)
        {
            await _openAI.DisposeAsync();
            await base.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Guide_EachExample_CompilesAndTracesAsItSays()
    {
        using var guide = new GuideProgram("docs/openai-tracing-guide.md");
        Assert.Equal(7, guide.Examples.Count);
        await guide.BuildAsync(Token);

        var output = await guide.RunAsync(Token, [.. Environment(), ("OPENAI_API_KEY", StandInOpenAI.Key), ("HTTPS_PROXY", CloudProxy.Instance.Address.ToString()), ("NO_PROXY", "localhost,127.0.0.1")]);

        var parts = output.Split("--- ");
        Assert.StartsWith("flushed 7 0 0", parts[^1], StringComparison.Ordinal);
        Assert.All([1, 2, 3, 7], part => Assert.Contains(Paris, parts[part], StringComparison.Ordinal));
        Assert.Contains("The key is [REDACTED]", parts[2], StringComparison.Ordinal);
        Assert.DoesNotContain(StandInOpenAI.Key, output, StringComparison.Ordinal);
        Assert.Equal(2, parts[5].Split("On Titan").Length - 1);
        Assert.Contains("The weather in Paris today is rainy.", parts[6], StringComparison.Ordinal);

        var basic = Assert.Single(SpansOf("/Shared/openai-tracing-demo"));
        AssertCall(basic, "gpt-4o-mini");
        var inputs = basic["attributes"]!["mlflow.spanInputs"]!.ToJsonString();
        Assert.Contains("What is the capital of France?", inputs, StringComparison.Ordinal);
        Assert.Contains("0.1", inputs, StringComparison.Ordinal);
        Assert.Contains("100", inputs, StringComparison.Ordinal);
        Assert.Contains(Paris, basic["attributes"]!["mlflow.spanOutputs"]!.ToJsonString(), StringComparison.Ordinal);

        AssertCall(Assert.Single(SpansOf("/Shared/openai-secrets-demo")), "gpt-4o-mini");
        var served = Assert.Single(SpansOf("/Shared/openai-gateway-demo"));
        AssertCall(served, "chat-prod");
        Assert.Equal("databricks", Text(served, "mlflow.llm.provider"));
        Assert.Equal("chat-prod", Text(served, "mlflow.llm.endpoint"));

        var streamed = Assert.Single(SpansOf("/Shared/openai-streaming-demo"));
        Assert.Contains("On Titan", streamed["attributes"]!["mlflow.spanOutputs"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.True(streamed["events"]!.AsArray().Count > 20);

        Assert.Equal(2, SpansOf("/Shared/openai-async-demo").Count);
        Assert.Equal(["AGENT", "CHAT_MODEL", "TOOL", "CHAT_MODEL"], SpansOf("/Shared/openai-function-agent-demo").Select(span => Text(span, "mlflow.spanType")));
        Assert.Null(Workspace.Experiments.FindByName("/Shared/openai-turned-off-demo"));
    }

    [Fact]
    public async Task DatabricksSample_WithAWorkspace_TracesIntoIt()
    {
        var output = await RunAsync("databricks");

        Assert.Contains("Traces go to your Databricks workspace.", output, StringComparison.Ordinal);
        Assert.Contains(Paris, output, StringComparison.Ordinal);
        AssertCall(Assert.Single(SpansOf("/Shared/openai-tracing-demo")), "gpt-4o-mini");
        Assert.Contains("Traces stored: 1. The last one: " + Workspace.Traces.All.Single().Id, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecretsSample_WithAWorkspace_AsksWithItsSecret()
    {
        var output = await RunAsync("databricks_secrets", ("OPENAI_BASE_URL", _openAI.Address.ToString()));

        Assert.Contains(Paris, output, StringComparison.Ordinal);
        Assert.Single(Workspace.To(SecretEndpoints.Path + "/get"));
        AssertCall(Assert.Single(SpansOf("/Shared/openai-tracing-demo")), "gpt-4o-mini");
    }

    [Fact]
    public async Task ServingSample_WithAWorkspace_AsksItsEndpoint()
    {
        var output = await RunAsync("databricks_serving", ("DATABRICKS_SERVING_ENDPOINT", "chat-prod"));

        Assert.Contains(Paris, output, StringComparison.Ordinal);
        var span = Assert.Single(SpansOf("/Shared/serving-endpoint-demo"));
        AssertCall(span, "chat-prod");
        Assert.Equal("gpt-4o-mini-2024-07-18", Text(span, "gen_ai.response.model"));
        Assert.Contains("/serving-endpoints with the token in DATABRICKS_TOKEN", output, StringComparison.Ordinal);
        Assert.All(Workspace.Tokens.Secrets, secret => Assert.DoesNotContain(secret, output, StringComparison.Ordinal));
    }

    private static void AssertCall(JsonNode span, string model)
    {
        Assert.Equal("CHAT_MODEL", Text(span, "mlflow.spanType"));
        Assert.Equal(model, Text(span, "mlflow.llm.model"));
    }

    /// <summary>Attributes in a document are JSON as text.</summary>
    private static string? Text(JsonNode span, string key) => span["attributes"]![key] is { } value ? value.GetValue<string>().Trim('"') : null;

    /// <summary>The spans of all traces of an experiment, in their order.</summary>
    private List<JsonNode> SpansOf(string experiment)
    {
        var id = Workspace.Experiments.FindByName(experiment)?.Id;
        Assert.NotNull(id);
        return
        [
            .. Workspace.Traces.All.Where(trace => trace.Place == id)
                .SelectMany(trace => JsonNode.Parse(Workspace.Storage.Objects[TraceDataEndpoints.PathOf(trace)])!["spans"]!.AsArray())
                .Select(span => span!)
                .OrderBy(span => span["start_time_unix_nano"]!.ToString(), StringComparer.Ordinal),
        ];
    }

    private (string Name, string Value)[] Environment() =>
    [
        ("DATABRICKS_HOST", Workspace.Host),
        ("DATABRICKS_TOKEN", Workspace.Tokens.AddPersonal()),
        ("SSL_CERT_FILE", TestAuthority.CertificatePath),
        ("MLFLOW_SPOOL_DIRECTORY", _folder),
    ];

    private async Task<string> RunAsync(string sample, params (string Name, string Value)[] environment)
    {
        // For the program alone: what builds it has to trust others.
        var options = Environment().Concat(environment).SelectMany(pair => new[] { "-e", $"{pair.Name}={pair.Value}" });
        await using var run = CliProcess.DotNet(GuideProgram.Repository, ["run", .. options, $"samples/{sample}.cs"]);
        Assert.True(await run.WaitAsync(Token) == 0, run.Output + run.Errors);
        return run.Output + run.Errors;
    }
}
