using System.Net;
using System.Net.Sockets;
using MLflow.Cli.Demo.Scripted;
using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class DemoCommandTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DemoOnce_NoKey_StoresEveryExampleAndSaysWhoAnswered()
    {
        using var folder = new TemporaryFolder();
        await using var demo = CliProcess.Mlflow(folder.Path, ["demo", "--once", "--port", "0"]);

        Assert.True(await demo.WaitAsync(Token) == 0, demo.Errors + demo.Output);
        Assert.Contains("scripted endpoint", demo.Output, StringComparison.Ordinal);
        Assert.Empty(demo.Errors);

        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = folder.StoreUri }, Token);
        using var api = new TrackingApi(server.BaseAddress);
        var traces = await api.SearchAsync("openai-tracing-demo", Token);
        Assert.Equal(["OK", "OK", "OK", "OK", "OK", "ERROR"], traces.Select(trace => trace!["state"]!.GetValue<string>()));
        Assert.All(traces, trace => Assert.Contains("/traces/" + trace!["trace_id"]!.GetValue<string>(), demo.Output, StringComparison.Ordinal));

        var agent = await api.SpansAsync(traces[4]!["trace_id"]!.GetValue<string>(), Token);
        Assert.Equal(
            ["AGENT", "CHAT_MODEL", "CHAT_MODEL", "TOOL"],
            agent.Select(span => TrackingApi.Attribute(span!, "mlflow.spanType")).Order(StringComparer.Ordinal));
        Assert.Equal("The weather in Paris today is rainy.", TrackingApi.Attribute(agent[0]!, "mlflow.spanOutputs"));
    }

    [Fact]
    public async Task Demo_WithoutOnce_KeepsServingUntilInterrupted()
    {
        using var folder = new TemporaryFolder();
        await using var demo = CliProcess.Mlflow(folder.Path, ["demo", "--port", "0"]);
        await demo.WaitForOutputAsync("stays up", Token);

        using (var api = new TrackingApi(await demo.ServerAsync(Token)))
        {
            Assert.Equal(6, (await api.SearchAsync("openai-tracing-demo", Token)).Count);
        }

        await demo.SignalAsync("INT", Token);
        Assert.Equal(0, await demo.WaitAsync(Token));
    }

    [Fact]
    public async Task Demo_BusyPort_SaysSo()
    {
        using var folder = new TemporaryFolder();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        await AssertRefusedAsync(folder, ["demo", "--once", "--port", $"{port}"], $"Port {port} is already in use");
    }

    [Fact]
    public async Task Demo_UnwritableFolder_SaysSo()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "file");
        await File.WriteAllTextAsync(file, "", Token);

        // A folder cannot be made below a file, not even by root.
        await AssertRefusedAsync(folder, ["demo", "--once", "--port", "0", "--backend-store-uri", $"sqlite:///{file}/mlflow.db"], file);
    }

    [Fact]
    public async Task Demo_RefusedKey_SaysSoWithoutTheKey()
    {
        const string Key = "sk-refused-0123456789";
        using var folder = new TemporaryFolder();
        await using var endpoint = await ScriptedOpenAI.StartAsync(cancellationToken: Token);

        var (output, errors) = await AssertRefusedAsync(
            folder, ["demo", "--once", "--port", "0"], "refused the key in OPENAI_API_KEY", ("OPENAI_API_KEY", Key), ("OPENAI_BASE_URL", endpoint.Endpoint.ToString()));
        Assert.DoesNotContain("0123456789", output + errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DemoOnce_KeyAndAddress_AsksThatEndpoint()
    {
        using var folder = new TemporaryFolder();
        await using var endpoint = await ScriptedOpenAI.StartAsync(cancellationToken: Token);
        await using var demo = CliProcess.Mlflow(
            folder.Path, ["demo", "--once", "--port", "0"], ("OPENAI_API_KEY", ScriptedOpenAI.ApiKey), ("OPENAI_BASE_URL", endpoint.Endpoint.ToString()));

        Assert.True(await demo.WaitAsync(Token) == 0, demo.Errors + demo.Output);
        Assert.Contains($"Model calls go to {endpoint.Endpoint} with the key in OPENAI_API_KEY.", demo.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(ScriptedOpenAI.ApiKey, demo.Output, StringComparison.Ordinal);
    }

    private static async Task<(string Output, string Errors)> AssertRefusedAsync(
        TemporaryFolder folder, string[] arguments, string sentence, params (string Name, string Value)[] environment)
    {
        await using var demo = CliProcess.Mlflow(folder.Path, arguments, environment);

        Assert.Equal(1, await demo.WaitAsync(Token));
        Assert.Contains(sentence, demo.Errors, StringComparison.Ordinal);
        Assert.Single(demo.Errors.Trim().Split('\n'));
        return (demo.Output, demo.Errors);
    }
}
