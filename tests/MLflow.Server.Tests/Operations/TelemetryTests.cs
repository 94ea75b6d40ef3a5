using System.Net;
using System.Text.Json;
using MLflow.Server.Hosting;
using MLflow.Server.Telemetry;
using MLflow.Server.Tests.Hardening;
using Xunit;

namespace MLflow.Server.Tests.Operations;

public sealed class TelemetryTests
{
    [Fact]
    public async Task Metrics_AfterSomeWork_TellIt()
    {
        await using var server = await HardenedServer.StartAsync();
        await server.ExportAsync(HardenedServer.Request(HardenedServer.Span(), HardenedServer.Span()));
        await server.PostJsonAsync("/api/3.0/mlflow/traces/search", """{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}}]}""");
        await server.PostJsonAsync("/api/3.0/mlflow/traces/search", """{"filter":"nonsense"}""");
        await server.SendAsync("GET", "/", null, ("Host", "evil.example"));
        await server.SendAsync("POST", "/v1/traces", new StringContent("x", null, "text/plain"));

        var (status, text, response) = await server.SendAsync("GET", "/metrics");

        Assert.Equal((200, "text/plain"), (status, response.Content.Headers.ContentType!.MediaType));
        foreach (var expected in (string[])["mlflow_server_ingested_total{", "kind=\"span\"", "mlflow_server_queue", "mlflow_server_commit_duration_seconds_count", "mlflow_server_search_duration_seconds_count",
            "reason=\"INVALID_PARAMETER_VALUE\"", "reason=\"host\"", "reason=\"invalid\"", "http_server_request_duration_seconds_count{", "http_route=\"/api/3.0/mlflow/traces/search\""])
        {
            Assert.Contains(expected, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Metrics_OfTwoServersInOneProcess_AreEachItsOwnAndOutliveTheOther()
    {
        await using var server = await HardenedServer.StartAsync();
        await using (var another = await HardenedServer.StartAsync())
        {
            await another.ExportAsync(HardenedServer.Request(HardenedServer.Span(), HardenedServer.Span()));
            await server.ExportAsync(HardenedServer.Request(HardenedServer.Span()));
        }

        await server.ExportAsync(HardenedServer.Request(HardenedServer.Span()));

        var (_, text, _) = await server.SendAsync("GET", "/metrics");
        Assert.Matches("""mlflow_server_ingested_total\{[^}]*kind="span"[^}]*\} 2\s""", text);
        Assert.Matches("""http_server_request_duration_seconds_count\{[^}]*http_route="/v1/traces"[^}]*\} 2\s""", text);
    }

    [Fact]
    public async Task Metrics_TurnedOff_AreNotThere()
    {
        await using var server = await HardenedServer.StartAsync(options => options.Metrics = false);

        Assert.Equal(404, (await server.SendAsync("GET", "/metrics")).Status);
    }

    [Fact]
    public async Task Telemetry_OfItsOwn_IsSentAndMakesNoMoreOfItself()
    {
        await using var collector = await HardenedServer.StartAsync();
        await using (var server = await HardenedServer.StartAsync(options => options.TelemetryEndpoint = collector.Server.BaseAddress.ToString()))
        {
            await server.SendAsync("GET", "/api/3.0/mlflow/server-info");
            await using var another = await HardenedServer.StartAsync();
            await another.SendAsync("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0");
            await server.ExportAsync(HardenedServer.Request(HardenedServer.Span()));
            await server.SendAsync("GET", "/health");
            await server.Server.DisposeAsync();
        }

        var (_, body, _) = await collector.PostJsonAsync("/api/3.0/mlflow/traces/search", """{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}}]}""");
        var traces = JsonDocument.Parse(body).RootElement.GetProperty("traces").EnumerateArray().Select(trace => trace.GetProperty("trace_id").GetString()).ToList();
        var names = new List<string?>();
        foreach (var trace in traces)
        {
            var (_, text, _) = await collector.SendAsync("GET", $"/api/3.0/mlflow/traces/get?trace_id={trace}");
            names.AddRange(JsonDocument.Parse(text).RootElement.GetProperty("trace").GetProperty("spans").EnumerateArray().Select(span => span.GetProperty("name").GetString()));
        }

        Assert.Equal(["GET /api/3.0/mlflow/server-info"], names);
    }

    [Theory]
    [InlineData("http://localhost:5000", true)]
    [InlineData("http://127.0.0.1:5000/x", true)]
    [InlineData("http://[::1]:5000", true)]
    [InlineData("http://127.0.0.1:4318", false)]
    [InlineData("http://collector.example:5000", false)]
    public void Endpoint_ThatIsTheServerItself_IsKnown(string endpoint, bool isOwn)
    {
        using var folder = new TemporaryFolder();
        var settings = ServerSettings.Validate(new MlflowServerOptions { Port = 5000, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + folder.File("mlflow.db") });
        using var grpc = GrpcSockets.Bind(settings);

        Assert.Equal(isOwn, OwnTelemetry.IsOwn(new Uri(endpoint), settings, grpc));
    }

    [Fact]
    public async Task Endpoint_ThatIsTheServersOwnGrpcPort_IsToldAndNotUsed()
    {
        using var log = new KeptLog();
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();

        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.OtlpGrpcPort = port;
            options.TelemetryEndpoint = $"http://localhost:{port}";
            options.ConfigureLogging = logging => logging.Services.Add(new Microsoft.Extensions.DependencyInjection.ServiceDescriptor(typeof(Microsoft.Extensions.Logging.ILoggerProvider), log));
        });

        Assert.Contains(log.Entries, entry => entry.Contains($"The server sends no telemetry of its own: http://localhost:{port}/ (OTEL_EXPORTER_OTLP_ENDPOINT) is the server itself.", StringComparison.Ordinal));
    }
}
