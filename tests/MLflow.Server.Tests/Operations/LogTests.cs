using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Hosting;
using MLflow.Server.Tests.Hardening;
using Xunit;

namespace MLflow.Server.Tests.Operations;

public sealed class LogTests
{
    private const string Canary = "c4n4ry-of-a-prompt";

    [Fact]
    public async Task Content_OfClients_IsInNoLogAndNoMetric()
    {
        using var log = new KeptLog();
        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.LogLevel = "trace";
            options.ConfigureLogging = logging => logging.AddProvider(log);
        });
        var span = HardenedServer.Span(Canary);
        span.Attributes.Add(HardenedServer.Attribute("mlflow.spanInputs", Canary));
        span.Attributes.Add(HardenedServer.Attribute(Canary, Canary));
        Assert.Equal(200, (await server.ExportAsync(HardenedServer.Request(span))).Status);
        var traceId = "tr-" + Convert.ToHexStringLower(span.TraceId.Span);

        foreach (var path in (string[])["/api/3.0/mlflow/traces/search", "/api/2.0/mlflow/experiments/create", "/api/2.0/mlflow/runs/create", "/api/3.0/mlflow/traces", "/v1/traces", $"/api/3.0/mlflow/traces/{traceId}/assessments", "/api/3.0/mlflow/traces/metrics"])
        {
            await server.PostJsonAsync(path, JsonSerializer.Serialize(new { filter = Canary, name = Canary, experiment_id = Canary, trace = Canary, resourceSpans = Canary, assessment = Canary }));
            await server.PostJsonAsync(path, "{" + Canary);
        }

        foreach (var path in (string[])[$"/experiments/0?q={Canary}", $"/traces/{traceId}", $"/traces/{Canary}", $"/api/3.0/mlflow/traces/get?trace_id={Canary}", $"/{Canary}", $"/api/2.0/mlflow-artifacts/artifacts/{Canary}"])
        {
            await server.SendAsync("GET", path, null, ("X-Canary", Canary), ("Authorization", "Bearer " + Canary));
        }

        await server.SendAsync("GET", "/", null, ("Host", Canary + ".example"));
        var metrics = (await server.SendAsync("GET", "/metrics")).Body;

        Assert.Contains(log.Entries, entry => entry.Contains("/api/{version", StringComparison.Ordinal) || entry.Contains("POST /api/3.0/mlflow/traces/search was answered with 400", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Entries, entry => entry.Contains(Canary, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(Canary, metrics, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Entry_WithTextOfAClient_StaysALineOfItsOwn()
    {
        var formatter = new LineFormatter(new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));
        using var text = new StringWriter();

        formatter.Write(
            new LogEntry<string>(LogLevel.Warning, "MLflow.Server.X", default, "name\r\n2026-01-02T03:04:05.000Z error forged\u001b[2J\u2028\u202eend", new InvalidOperationException("broken\nforged too"), (state, _) => state),
            null,
            text);

        Assert.Equal(
            "2026-01-02T03:04:05.000Z warn  MLflow.Server.X: name\\u000d\\u000a2026-01-02T03:04:05.000Z error forged\\u001b[2J\\u2028\\u202eend\n"
            + "    System.InvalidOperationException: broken\n    forged too\n",
            text.ToString());
    }

    [Fact]
    public async Task Settings_ThatAreWrong_AreNamed()
    {
        var exception = await Assert.ThrowsAsync<MlflowServerStartException>(() => HardenedServer.StartAsync(options =>
        {
            options.LogFormat = "xml";
            options.LogLevel = "3";
            options.MinFreeBytes = -1;
            options.ShutdownTimeout = TimeSpan.FromDays(1);
            options.TelemetryEndpoint = "collector:4318";
            options.TelemetryProtocol = "http/json";
            options.TlsKey = "key.pem";
        }));

        Assert.Equal(
            [
                "--tls-key 'key.pem' has no certificate: name it by --tls-cert.",
                "--log-format 'xml' is not understood: use console or json.",
                "--log-level '3' is not understood: use trace, debug, information, warning, error or none.",
                "OTEL_EXPORTER_OTLP_PROTOCOL 'http/json' is not understood: use http/protobuf or grpc.",
                "OTEL_EXPORTER_OTLP_ENDPOINT 'collector:4318' is not understood: use an address as http://collector:4318.",
                "--min-free-bytes -1 is out of range: it must be 0 or more.",
                "--shutdown-timeout 86400 is out of range: it must be 0 to 3600 seconds.",
            ],
            exception.Mistakes);
    }
}
