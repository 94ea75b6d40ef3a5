using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using MLflow.EndToEnd.Tests.Cli;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Xunit;

namespace MLflow.EndToEnd.Tests.OpenTelemetry;

/// <summary>Programs that know nothing of MLflow: OpenTelemetry's exporter, pointed at a server in a process of its own.</summary>
public sealed class OtlpExporterTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private CliProcess _server = null!;
    private Uri _http = null!;
    private Uri _grpc = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = CliProcess.Mlflow(
            _folder.Path, ["server", "--port", "0", "--otlp-grpc-port", "0", "--backend-store-uri", _folder.StoreUri, "--otlp-service-experiment", "shop=Shop"]);
        _http = await _server.ServerAsync(Token);
        await _server.WaitForOutputAsync(" too.", Token);
        _grpc = new Uri(_server.Output.Split("OTLP over gRPC on ")[1].Split(' ', '\n')[0].TrimEnd('.'));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    [InlineData(OtlpExportProtocol.Grpc)]
    public async Task Exporter_OfOpenTelemetry_StoresItsSpans(OtlpExportProtocol protocol)
    {
        string traceId;
        using (var source = new ActivitySource("shop.work"))
        using (var provider = Provider(protocol, "shop.work"))
        {
            using (var root = source.StartActivity("order", ActivityKind.Server)!)
            {
                root.SetTag("session.id", "s-1");
                using var child = source.StartActivity("pay")!;
                child.SetTag("numbers", new[] { 1L, 2L });
                child.AddException(new InvalidOperationException("no money"));
                child.SetStatus(ActivityStatusCode.Error, "failed");
                traceId = "tr-" + root.TraceId.ToHexString();
            }

            Assert.True(provider.ForceFlush(10_000));
        }

        using var api = new TrackingApi(_http);
        var spans = await api.SpansAsync(traceId, Token);
        Assert.Equal(["order", "pay"], spans.Select(span => span!["name"]!.GetValue<string>()));
        Assert.Equal("STATUS_CODE_ERROR", spans[1]!["status"]!["code"]!.GetValue<string>());
        Assert.Equal("exception", spans[1]!["events"]![0]!["name"]!.GetValue<string>());
        var trace = Assert.Single(await api.SearchAsync("Shop", Token))!;
        Assert.Equal(traceId, trace["trace_id"]!.GetValue<string>());
        Assert.Equal("s-1", trace["trace_metadata"]!["mlflow.trace.session"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    [InlineData(OtlpExportProtocol.Grpc)]
    public async Task ExtensionsAI_WithOpenTelemetry_IsAConversationWithTools(OtlpExportProtocol protocol)
    {
        string traceId;
        using (var source = new ActivitySource("shop.agent"))
        using (var provider = Provider(protocol, "shop.agent", "Experimental.Microsoft.Extensions.AI"))
        {
            using var client = new ChatClientBuilder(new ScriptedChatClient())
                .UseFunctionInvocation()
                .UseOpenTelemetry(configure: telemetry => telemetry.EnableSensitiveData = true)
                .Build();
            using (var root = source.StartActivity("ask")!)
            {
                var answer = await client.GetResponseAsync(
                    [new(ChatRole.System, "Be terse."), new(ChatRole.User, "Weather in Paris?")],
                    new ChatOptions { ModelId = "m-1", Tools = [AIFunctionFactory.Create((string city) => $"sunny in {city}", "get_weather")] },
                    Token);
                Assert.Equal("Sunny.", answer.Text);
                traceId = "tr-" + root.TraceId.ToHexString();
            }

            Assert.True(provider.ForceFlush(10_000));
        }

        using var api = new TrackingApi(_http);
        var calls = (await api.SpansAsync(traceId, Token)).Where(span => TrackingApi.Attribute(span!, "mlflow.spanType") == "CHAT_MODEL").ToList();
        Assert.Equal(2, calls.Count);
        Assert.Equal("m-1", TrackingApi.Attribute(calls[0]!, "mlflow.llm.model"));
        Assert.Equal("Weather in Paris?", Value(calls[1]!, "mlflow.spanInputs")!["messages"]![1]!["content"]!.GetValue<string>());
        Assert.Equal("get_weather", Value(calls[0]!, "mlflow.spanOutputs")!["choices"]![0]!["message"]!["tool_calls"]![0]!["function"]!["name"]!.GetValue<string>());
        Assert.Equal("get_weather", Value(calls[0]!, "mlflow.chat.tools")![0]!["function"]!["name"]!.GetValue<string>());
        var tool = Assert.Single(await api.SpansAsync(traceId, Token), span => TrackingApi.Attribute(span!, "mlflow.spanType") == "TOOL");
        Assert.Equal("Paris", Value(tool!, "mlflow.spanInputs")!["city"]!.GetValue<string>());
        Assert.Equal("sunny in Paris", TrackingApi.Attribute(tool!, "mlflow.spanOutputs"));
        var trace = Assert.Single(await api.SearchAsync("Shop", Token))!;
        var usage = JsonNode.Parse(trace["trace_metadata"]!["mlflow.trace.tokenUsage"]!.GetValue<string>())!;
        Assert.Equal((38, 20), (usage["input_tokens"]!.GetValue<int>(), usage["output_tokens"]!.GetValue<int>()));
    }

    [Theory]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    [InlineData(OtlpExportProtocol.Grpc)]
    public async Task ExtensionsAI_ThatFails_HasItsExceptionFromTheLog(OtlpExportProtocol protocol)
    {
        string traceId;
        using (var source = new ActivitySource("shop.fails"))
        using (var provider = Provider(protocol, "shop.fails", "Experimental.Microsoft.Extensions.AI"))
        {
            using (var logging = LoggerFactory.Create(builder => builder.AddOpenTelemetry(logs => logs.AddOtlpExporter(exporter => Point(exporter, protocol, "v1/logs")))))
            {
                using var client = new ChatClientBuilder(new ScriptedChatClient { Failure = new InvalidOperationException("model is out") }).UseOpenTelemetry(logging).Build();
                using var root = source.StartActivity("ask")!;
                await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync("Hello?", cancellationToken: Token));
                traceId = "tr-" + root.TraceId.ToHexString();
            }

            Assert.True(provider.ForceFlush(10_000));
        }

        using var api = new TrackingApi(_http);
        var call = Assert.Single(await api.SpansAsync(traceId, Token), span => TrackingApi.Attribute(span!, "mlflow.spanType") == "CHAT_MODEL")!;
        var exception = Assert.Single(call["events"]!.AsArray())!;
        Assert.Equal("exception", exception["name"]!.GetValue<string>());
        Assert.Equal("model is out", TrackingApi.Attribute(exception, "exception.message"));
        Assert.Contains("ScriptedChatClient", TrackingApi.Attribute(exception, "exception.stacktrace"), StringComparison.Ordinal);
    }

    private static JsonNode? Value(JsonNode span, string key) =>
        Plain(span["attributes"]!.AsArray().Single(attribute => attribute!["key"]!.GetValue<string>() == key)!["value"]);

    /// <summary>What an OTLP value holds.</summary>
    private static JsonNode? Plain(JsonNode? value)
    {
        if (value?["kvlist_value"] is { } members)
        {
            return new JsonObject((members["values"]?.AsArray() ?? []).Select(member => KeyValuePair.Create(member!["key"]!.GetValue<string>(), Plain(member["value"]))));
        }

        return value?["array_value"] is { } items
            ? new JsonArray([.. (items["values"]?.AsArray() ?? []).Select(Plain)])
            : value?.AsObject().Select(member => member.Value?.DeepClone()).FirstOrDefault();
    }

    private TracerProvider Provider(OtlpExportProtocol protocol, params string[] sources) => Sdk.CreateTracerProviderBuilder()
        .SetResourceBuilder(ResourceBuilder.CreateDefault().AddService("shop"))
        .AddSource(sources)
        .AddOtlpExporter(exporter => Point(exporter, protocol, "v1/traces"))
        .Build();

    private void Point(OtlpExporterOptions exporter, OtlpExportProtocol protocol, string path)
    {
        exporter.Protocol = protocol;
        exporter.Endpoint = protocol == OtlpExportProtocol.Grpc ? _grpc : new Uri(_http, path);
    }
}
