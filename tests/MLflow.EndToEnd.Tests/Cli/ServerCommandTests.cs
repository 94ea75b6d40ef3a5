using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class ServerCommandTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_KilledAfterAcknowledging_KeepsTheTrace()
    {
        using var folder = new TemporaryFolder();
        string traceId;
        await using (var server = Start(folder))
        {
            await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = (await server.ServerAsync(Token)).ToString(), Experiment = "killed" });
            using (var span = client.StartSpan("work", SpanType.Chain))
            {
                span.SetInputs("東京");
                traceId = span.TraceId;
            }

            var flushed = await client.FlushAsync(Token);
            Assert.Equal(1, flushed.Exported);
            await server.KillAsync(Token);
        }

        await using var again = Start(folder);
        using var api = new TrackingApi(await again.ServerAsync(Token));
        var span1 = Assert.Single(await api.SpansAsync(traceId, Token));
        Assert.Equal("東京", TrackingApi.Attribute(span1!, "mlflow.spanInputs"));
        Assert.Equal(traceId, Assert.Single(await api.SearchAsync("killed", Token))!["trace_id"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task Server_ToldToStop_EndsWithZero(string signal)
    {
        using var folder = new TemporaryFolder();
        await using var server = Start(folder);
        var address = await server.ServerAsync(Token);
        using (var http = new HttpClient())
        {
            Assert.NotEmpty(await http.GetStringAsync(new Uri(address, "version"), Token));
        }

        await server.SignalAsync(signal, Token);

        Assert.Equal(0, await server.WaitAsync(Token));
        Assert.Empty(server.Errors);
        Assert.False(File.Exists(Path.Combine(folder.Path, "mlflow.db-wal")), "The write-ahead log is not merged.");
    }

    [Theory]
    [InlineData(2, "--prot", "1")]
    [InlineData(2, "--port", "many")]
    [InlineData(1, "--port", "70000")]
    [InlineData(1, "--host", "0.0.0.0")]
    [InlineData(2, "--otlp-grpc-port", "many")]
    [InlineData(1, "--otlp-grpc-port", "70000")]
    [InlineData(1, "--otlp-service-experiment", "shop")]
    [InlineData(1, "--otlp-service-experiment", "shop=4711")]
    [InlineData(1, "--backend-store-uri", "mysql://there/db")]
    [InlineData(1, "--search-timeout", "0")]
    [InlineData(1, "--search-timeout", "-5")]
    [InlineData(1, "--search-timeout", "1e300")]
    [InlineData(1, "--search-timeout", "NaN")]
    public async Task Server_WrongOption_SaysSo(int exitCode, string option, string value)
    {
        using var folder = new TemporaryFolder();
        await using var server = CliProcess.Mlflow(folder.Path, ["server", option, value]);

        Assert.Equal(exitCode, await server.WaitAsync(Token));
        Assert.Contains(option, Assert.Single(server.Errors.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mlflow: '--prot' is not a command or option (did you mean '--port'?); see dotnet mlflow server --help.", "server", "--prot", "5000")]
    [InlineData("mlflow: 'sever' is not a command or option (did you mean 'server'?); see dotnet mlflow --help.", "sever")]
    [InlineData("mlflow: '--qqqqqqqq' is not a command or option; see dotnet mlflow server --help.", "server", "--qqqqqqqq")]
    public async Task Word_Misspelt_NamesTheNearest(string expected, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        await using var command = CliProcess.Mlflow(folder.Path, arguments);

        Assert.Equal(2, await command.WaitAsync(Token));
        Assert.Equal(expected, command.Errors.Trim());
    }

    [Fact]
    public async Task Server_DatabaseOfTheEnvironmentIsAway_SaysWhichWithoutItsPassword()
    {
        using var folder = new TemporaryFolder();
        await using var server = CliProcess.Mlflow(folder.Path, ["server", "--port", "0"], ("MLFLOW_BACKEND_STORE_URI", "postgresql://me:secret@127.0.0.1:1/traces"));

        Assert.Equal(1, await server.WaitAsync(Token));
        Assert.Equal(
            "mlflow: The database 'traces' on 127.0.0.1:1 cannot be used by user 'me': Connection refused. Start PostgreSQL there, or correct --backend-store-uri.",
            Assert.Single(server.Errors.Trim().Split('\n')));
        Assert.DoesNotContain("secret", server.Errors + server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_WithoutGrpc_SaysNothingOfItAndListensOnNoOtherPort()
    {
        using var folder = new TemporaryFolder();
        await using var server = CliProcess.Mlflow(folder.Path, ["server", "--port", "0", "--otlp-grpc-port", "none", "--backend-store-uri", folder.StoreUri]);
        var address = await server.ServerAsync(Token);
        using (var http = new HttpClient())
        {
            Assert.NotEmpty(await http.GetStringAsync(new Uri(address, "version"), Token));
        }

        await server.SignalAsync("TERM", Token);

        Assert.Equal(0, await server.WaitAsync(Token));
        Assert.DoesNotContain("gRPC", server.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("all addresses", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_AllowedHosts_AnswersThemAndRefusesOthers()
    {
        using var folder = new TemporaryFolder();
        await using var server = CliProcess.Mlflow(
            folder.Path, ["server", "--host", "127.0.0.1", "--port", "0", "--allowed-hosts", "tracing.example, other.example"]);
        using var http = new HttpClient();
        var experiment = new Uri(await server.ServerAsync(Token), "api/2.0/mlflow/experiments/get?experiment_id=0");

        Assert.Equal(200, await StatusAsync("tracing.example"));
        Assert.Equal(403, await StatusAsync("elsewhere.example"));

        async Task<int> StatusAsync(string host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, experiment);
            request.Headers.Host = host;
            using var response = await http.SendAsync(request, Token);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task Version_IsPrinted()
    {
        await using var version = CliProcess.Mlflow(Path.GetTempPath(), ["--version"]);

        Assert.Equal(0, await version.WaitAsync(Token));
        Assert.Matches(@"^\d+\.\d+\.\d+", version.Output);
    }

    private static CliProcess Start(TemporaryFolder folder) =>
        CliProcess.Mlflow(folder.Path, ["server", "--port", "0", "--backend-store-uri", folder.StoreUri]);
}
