using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Hosting;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Pricing;
using MLflow.Server.Tests.Rest;
using Xunit;
using ZstdSharp;

namespace MLflow.Server.Tests.Otlp;

public sealed class OtlpGrpcTests : IClassFixture<SomeServer>
{
    private const string Traces = "opentelemetry.proto.collector.trace.v1.TraceService/Export";

    private readonly SomeServer _server;

    public OtlpGrpcTests(SomeServer server) => _server = server;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("identity")]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("zstd")]
    public async Task Export_OverGrpc_IsStored(string? encoding)
    {
        var (request, traceId) = Some();

        var (status, message, body) = await CallAsync(Traces, request.ToByteArray(), encoding);

        Assert.Equal((0, null), (status, message));
        Assert.Null(ExportTraceServiceResponse.Parser.ParseFrom(body).PartialSuccess);
        Assert.Equal("s", Assert.Single(await _server.SpansAsync(traceId)).Name);
    }

    [Fact]
    public async Task Export_BadSpanAmongGoodOnes_IsCounted()
    {
        var (request, traceId) = Some();
        request.ResourceSpans[0].ScopeSpans[0].Spans.Add(new Span { Name = "lost" });

        var (status, _, body) = await CallAsync(Traces, request.ToByteArray());

        Assert.Equal((0, 1L), (status, ExportTraceServiceResponse.Parser.ParseFrom(body).PartialSuccess.RejectedSpans));
        Assert.Single(await _server.SpansAsync(traceId));
    }

    [Theory]
    [InlineData("4711", 5)]
    [InlineData("many", 3)]
    public async Task Export_ExperimentOfTheMetadata_IsUsed(string experiment, int expected)
    {
        var (status, message, _) = await CallAsync(Traces, Some().Request.ToByteArray(), metadata: ("x-mlflow-experiment-id", experiment));

        Assert.Equal(expected, status);
        Assert.Contains(experiment, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_NothingInIt_IsRefusedForGood()
    {
        var (status, message, _) = await CallAsync(Traces, []);

        Assert.Equal((3, "Invalid OpenTelemetry format - no spans found"), (status, message));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("zstd")]
    public async Task Export_WhatUnfoldsBeyondTheLimit_IsRefused(string encoding)
    {
        var limit = new MlflowServerLimits().MaxDecompressedBytes;

        var (status, message, _) = await CallAsync(Traces, new byte[limit + 1], encoding);

        // RESOURCE_EXHAUSTED without a delay is not tried again.
        Assert.Equal((8, $"The request has more than {limit} bytes decompressed (--max-decompressed-bytes), which is the most that is taken at once. Send smaller batches."), (status, message));
    }

    [Fact]
    public async Task Export_LargerThanALimit_NamesItsSetting()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(
            new MlflowServerOptions
            {
                Port = 0,
                OtlpGrpcPort = 0,
                BackendStoreUri = "sqlite:///" + folder.File("mlflow.db"),
                Limits = { MaxBodyBytes = 3000, MaxDecompressedBytes = 2000 },
            },
            Token);
        var address = server.OtlpGrpcAddress!;

        // By what its first bytes say, and by what came where they said nothing of it.
        Assert.Equal((8, "The request has more than 2000 bytes decompressed (--max-decompressed-bytes), which is the most that is taken at once. Send smaller batches."), await AnswerAsync(new byte[2001], null));
        Assert.Equal((8, "The request has more than 2000 bytes decompressed (--max-decompressed-bytes), which is the most that is taken at once. Send smaller batches."), await AnswerAsync(new byte[2001], "gzip"));
        var (status, message) = await AnswerAsync(new byte[10_000], null, announced: 1000);
        Assert.Equal(8, status);
        Assert.EndsWith("(--max-body-bytes)", message, StringComparison.Ordinal);
        Assert.Equal(0, (await AnswerAsync(Some().Request.ToByteArray(), null)).Status);

        async Task<(int Status, string? Message)> AnswerAsync(byte[] body, string? encoding, int? announced = null)
        {
            var answer = await CallAsync(Traces, body, encoding, address: address, announced: announced);
            return (answer.Status, answer.Message);
        }
    }

    [Fact]
    public async Task Export_Nonsense_IsAnErrorAndTheServerGoesOn()
    {
        Assert.Equal(3, (await CallAsync(Traces, "nonsense"u8.ToArray())).Status);
        Assert.Equal(3, (await CallAsync(Traces, "nonsense"u8.ToArray(), "gzip", compress: false)).Status);
        Assert.Equal(12, (await CallAsync(Traces, "nonsense"u8.ToArray(), "br", compress: false)).Status);

        var value = new AnyValue { IntValue = 1 };
        for (var depth = 0; depth < 2000; depth++)
        {
            value = new AnyValue { ArrayValue = new ArrayValue { Values = { value } } };
        }

        var (request, _) = Some();
        request.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes.Add(new KeyValue { Key = "deep", Value = value });
        Assert.Equal(3, (await CallAsync(Traces, request.ToByteArray())).Status);

        Assert.Equal(0, (await CallAsync(Traces, Some().Request.ToByteArray())).Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("gzip")]
    public async Task Export_NoRoomForIt_IsAskedToComeAgainBeforeItIsThere(string? encoding)
    {
        var budget = _server.Server.Services.GetRequiredService<OtlpBudget>();
        var message = Some().Request.ToByteArray();
        var whole = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        budget.Take(budget.Limits.MaxBytesInWork - 100);
        try
        {
            // A part of it has come, and the rest comes only after the answer.
            var (status, _, _) = await CallAsync(Traces, new byte[1000], encoding, compress: false, rest: whole.Task);
            Assert.Equal(14, status);

            // What is small on the wire is counted as it unfolds.
            Assert.Equal(14, (await CallAsync(Traces, new byte[1_000_000], "gzip")).Status);
        }
        finally
        {
            whole.SetResult();
            budget.Return(budget.Limits.MaxBytesInWork - 100);
        }

        Assert.Equal(0, (await CallAsync(Traces, message, encoding)).Status);
        budget.Take(budget.Limits.MaxBytesInWork);
        budget.Return(budget.Limits.MaxBytesInWork);
    }

    [Fact]
    public async Task Logs_OverGrpc_AreJoinedToTheirSpan()
    {
        var (request, traceId) = Some();
        var span = request.ResourceSpans[0].ScopeSpans[0].Spans[0];
        var logs = new ExportLogsServiceRequest
        {
            ResourceLogs = { new ResourceLogs { ScopeLogs = { new ScopeLogs { LogRecords = { new LogRecord { TraceId = span.TraceId, SpanId = span.SpanId, EventName = "gen_ai.choice", TimeUnixNano = 2 } } } } } },
        };

        Assert.Equal(0, (await CallAsync("opentelemetry.proto.collector.logs.v1.LogsService/Export", logs.ToByteArray())).Status);
        Assert.Equal(0, (await CallAsync(Traces, request.ToByteArray())).Status);

        Assert.Equal("gen_ai.choice", Assert.Single(Assert.Single(await _server.SpansAsync(traceId)).Events).Name);
    }

    [Fact]
    public async Task Metrics_OverGrpc_AreAnsweredWithAPartialSuccess()
    {
        var request = new ExportMetricsServiceRequest
        {
            ResourceMetrics = { new ResourceMetrics { ScopeMetrics = { new ScopeMetrics { Metrics = { new Metric { Gauge = new DataPoints { DataPoints_ = { new DataPoint() } } } } } } } },
        };

        var (status, _, body) = await CallAsync("opentelemetry.proto.collector.metrics.v1.MetricsService/Export", request.ToByteArray());

        Assert.Equal((0, 1L), (status, ExportMetricsServiceResponse.Parser.ParseFrom(body).PartialSuccess.RejectedDataPoints));
    }

    [Fact]
    public async Task Port_IsTaken_TheRestStarts()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var folder = new TemporaryFolder();

        await using var server = await MlflowServer.StartAsync(
            new MlflowServerOptions { Port = 0, OtlpGrpcPort = ((IPEndPoint)listener.LocalEndpoint).Port, BackendStoreUri = "sqlite:///" + folder.File("mlflow.db") }, Token);

        Assert.Null(server.OtlpGrpcAddress);
        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        Assert.Equal("OK", await client.GetStringAsync(new Uri("/health", UriKind.Relative), Token));
    }

    [Fact]
    public void Port_OfAnotherServerThatStarts_IsTaken()
    {
        using var first = GrpcSockets.Bind(new ServerSettings([IPAddress.Loopback], 0, "", "", 0, PriceTable.Shipped, "", []) { Blobs = MLflow.Server.Blobs.BlobDestination.Parse(new(), "artifacts", []), SearchTimeout = TimeSpan.FromSeconds(1) });
        using var second = GrpcSockets.Bind(new ServerSettings([IPAddress.Loopback], 0, "", "", Assert.Single(first.Endpoints).Port, PriceTable.Shipped, "", []) { Blobs = MLflow.Server.Blobs.BlobDestination.Parse(new(), "artifacts", []), SearchTimeout = TimeSpan.FromSeconds(1) });

        Assert.Equal((0, "it is in use"), (second.Endpoints.Count, second.Warning));
    }

    [Fact]
    public async Task Port_TurnedOff_NobodyListens()
    {
        using var folder = new TemporaryFolder();

        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + folder.File("mlflow.db") }, Token);

        Assert.Null(server.OtlpGrpcAddress);
    }

    private static (ExportTraceServiceRequest Request, string TraceId) Some()
    {
        var id = Guid.NewGuid().ToByteArray();
        var span = new Span { TraceId = ByteString.CopyFrom(id), SpanId = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8), Name = "s", StartTimeUnixNano = 1, EndTimeUnixNano = 2 };
        return (new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { span } } } } } }, "tr-" + Convert.ToHexStringLower(id));
    }

    /// <summary>One call as gRPC has it on the wire: a prefix of five bytes, and a status in the trailers.</summary>
    private async Task<(int Status, string? Message, byte[] Body)> CallAsync(string method, byte[] message, string? encoding = null, bool compress = true, (string Name, string Value)? metadata = null, Task? rest = null, Uri? address = null, int? announced = null)
    {
        var isCompressed = encoding is not (null or "identity");
        var bytes = isCompressed && compress ? Compress(message, encoding!) : message;
        var frame = new byte[5 + bytes.Length];
        frame[0] = isCompressed ? (byte)1 : (byte)0;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), announced ?? bytes.Length);
        bytes.CopyTo(frame, 5);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address ?? _server.Server.OtlpGrpcAddress!, method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = rest is null ? new ByteArrayContent(frame) : new HalfContent(frame, rest),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        if (encoding is not null)
        {
            request.Headers.Add("grpc-encoding", encoding);
        }

        if (metadata is var (name, value))
        {
            request.Headers.Add(name, value);
        }

        using var response = await client.SendAsync(request, Token);
        var body = await response.Content.ReadAsByteArrayAsync(Token);
        var headers = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : (HttpHeaders)response.Headers;
        return (
            int.Parse(headers.GetValues("grpc-status").Single(), System.Globalization.CultureInfo.InvariantCulture),
            headers.TryGetValues("grpc-message", out var messages) ? Uri.UnescapeDataString(messages.Single()) : null,
            body.Length >= 5 ? body[5..] : []);
    }

    private static byte[] Compress(byte[] bytes, string encoding)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = encoding switch
        {
            "gzip" => new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
            "zstd" => new CompressionStream(compressed, leaveOpen: true),
            _ => new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            stream.Write(bytes);
        }

        return compressed.ToArray();
    }

    /// <summary>Half of the bytes now, and the others when they may come.</summary>
    private sealed class HalfContent(byte[] bytes, Task rest) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2), Token);
            await stream.FlushAsync(Token);
            await rest.WaitAsync(Token);
            await stream.WriteAsync(bytes.AsMemory(bytes.Length / 2), Token);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
