using Google.Protobuf;
using MLflow.Server.Otlp.Protos;
using Xunit;

namespace MLflow.Server.Tests.Otlp;

public sealed class OtlpExperimentsTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private MlflowServer _server = null!;
    private HttpClient _client = null!;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await StartAsync(options =>
        {
            options.OtlpServiceExperiments = new Dictionary<string, string> { ["shop"] = "Shop", ["front"] = "0" };
            options.OtlpTokenExperiments = new Dictionary<string, string> { ["secret"] = "Team" };
        });
        _client = new HttpClient { BaseAddress = _server.BaseAddress };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("shop", null, null, "Shop")]
    [InlineData("shop", "secret", null, "Shop")]
    [InlineData("other", "secret", null, "Team")]
    [InlineData("other", "wrong", null, "Default")]
    [InlineData("other", null, null, "Default")]
    [InlineData(null, null, null, "Default")]
    [InlineData("shop", "secret", "0", "Default")]
    public async Task Experiment_IsThatOfTheHeaderElseOfTheServiceElseOfTheToken(string? service, string? token, string? header, string expected)
    {
        var id = Guid.NewGuid().ToByteArray();
        await SendAsync(new ExportTraceServiceRequest { ResourceSpans = { Resource(service, id, 1) } }, token, header);

        Assert.Equal(expected, await ExperimentAsync(id));
    }

    [Fact]
    public async Task TracesOfSeveralServices_InOneRequest_GoToTheirOwn()
    {
        var (shop, both, other) = (Guid.NewGuid().ToByteArray(), Guid.NewGuid().ToByteArray(), Guid.NewGuid().ToByteArray());
        var child = Resource("shop", both, 2);
        child.ScopeSpans[0].Spans[0].ParentSpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 1);

        await SendAsync(new ExportTraceServiceRequest { ResourceSpans = { child, Resource("shop", shop, 1), Resource("front", both, 1), Resource("other", other, 1) } });

        Assert.Equal(("Shop", "Default", "Default"), (await ExperimentAsync(shop), await ExperimentAsync(both), await ExperimentAsync(other)));
    }

    [Fact]
    public async Task Start_WrongMappings_AreToldAtOnceAndWithoutTokens()
    {
        var form = await Assert.ThrowsAsync<MlflowServerStartException>(() => StartAsync(options =>
        {
            options.OtlpServiceExperiments = new Dictionary<string, string> { [""] = "x", ["y"] = " " };
            options.OtlpTokenExperiments = new Dictionary<string, string> { ["s3cret"] = "" };
            options.OtlpGrpcPort = 70_000;
        }));
        Assert.Collection(
            form.Message.Split(Environment.NewLine),
            line => Assert.Equal("--otlp-grpc-port 70000 is not a port: it must be 0 to 65535, where 0 lets the system choose, or none.", line),
            line => Assert.Equal("--otlp-service-experiment has an experiment without a service: write a service, '=' and the experiment's name or id.", line),
            line => Assert.Equal("--otlp-service-experiment has a service without an experiment: write a service, '=' and the experiment's name or id.", line),
            line => Assert.Equal("MLFLOW_OTLP_TOKEN_EXPERIMENTS has a token without an experiment: write a token, '=' and the experiment's name or id.", line));

        var missing = await Assert.ThrowsAsync<MlflowServerStartException>(() => StartAsync(options => options.OtlpServiceExperiments = new Dictionary<string, string> { ["a"] = "77", ["b"] = "78" }));
        Assert.Collection(
            missing.Message.Split(Environment.NewLine),
            line => Assert.Equal("--otlp-service-experiment names the experiment '77', which does not exist: name another one, or a new one by its name.", line),
            line => Assert.Contains("'78'", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_OneportForBoth_IsRefused()
    {
        var mistake = await Assert.ThrowsAsync<MlflowServerStartException>(() => StartAsync(options => options.OtlpGrpcPort = options.Port = 5999));

        Assert.StartsWith("--otlp-grpc-port 5999 is the server's own port", mistake.Message, StringComparison.Ordinal);
    }

    private static ResourceSpans Resource(string? service, byte[] traceId, byte spanId)
    {
        var spans = new ResourceSpans
        {
            ScopeSpans = { new ScopeSpans { Spans = { new Span { TraceId = ByteString.CopyFrom(traceId), SpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, spanId), Name = "s", StartTimeUnixNano = 1, EndTimeUnixNano = 2 } } } },
        };
        if (service is not null)
        {
            spans.Resource = new Resource { Attributes = { new KeyValue { Key = "service.name", Value = new AnyValue { StringValue = service } } } };
        }

        return spans;
    }

    private Task<MlflowServer> StartAsync(Action<MlflowServerOptions> configure)
    {
        var options = new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + _folder.File($"{Guid.NewGuid()}.db") };
        configure(options);
        return MlflowServer.StartAsync(options, Token);
    }

    private async Task SendAsync(ExportTraceServiceRequest request, string? token = null, string? experimentId = null)
    {
        using var content = new ByteArrayContent(request.ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = content };
        if (token is not null)
        {
            message.Headers.Authorization = new("Bearer", token);
        }

        if (experimentId is not null)
        {
            message.Headers.Add("x-mlflow-experiment-id", experimentId);
        }

        using var response = await _client.SendAsync(message, Token);
        Assert.Equal(200, (int)response.StatusCode);
    }

    private async Task<string?> ExperimentAsync(byte[] traceId)
    {
        var trace = System.Text.Json.JsonElement.Parse(await _client.GetStringAsync(new Uri("/api/3.0/mlflow/traces/tr-" + Convert.ToHexStringLower(traceId), UriKind.Relative), Token));
        var id = trace.GetProperty("trace").GetProperty("trace_info").GetProperty("trace_location").GetProperty("mlflow_experiment").GetProperty("experiment_id").GetString();
        var experiment = System.Text.Json.JsonElement.Parse(await _client.GetStringAsync(new Uri("/api/2.0/mlflow/experiments/get?experiment_id=" + id, UriKind.Relative), Token));
        return experiment.GetProperty("experiment").GetProperty("name").GetString();
    }
}
