using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text.Json;
using Google.Protobuf;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Otlp;

public sealed class OtlpEndpointsTests : IClassFixture<SomeServer>
{
    private readonly SomeServer _server;

    public OtlpEndpointsTests(SomeServer server) => _server = server;

    [Theory]
    [InlineData("gzip")]
    [InlineData("GZIP")]
    [InlineData("deflate")]
    [InlineData("deflate", true)]
    public async Task Export_Compressed_IsStored(string encoding, bool raw = false)
    {
        var (request, traceId) = Some();
        using var compressed = new MemoryStream();
        await using (Stream stream = encoding.Equals("gzip", StringComparison.OrdinalIgnoreCase) ? new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true)
            : raw ? new DeflateStream(compressed, CompressionLevel.Fastest, leaveOpen: true) : new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await stream.WriteAsync(request.ToByteArray(), Xunit.TestContext.Current.CancellationToken);
        }

        Assert.Equal(200, (await PostAsync(compressed.ToArray(), encoding: encoding)).Status);
        Assert.Equal(200, (await _server.GetAsync("/api/3.0/mlflow/traces/" + traceId)).Status);
    }

    [Fact]
    public async Task Export_WhatUnfoldsBeyondTheLimit_IsRefusedEarly()
    {
        using var bomb = new MemoryStream();
        await using (var gzip = new GZipStream(bomb, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[1 << 20];
            for (var written = 0; written <= OtlpLimits.MaxDecompressedBytes; written += zeros.Length)
            {
                await gzip.WriteAsync(zeros, Xunit.TestContext.Current.CancellationToken);
            }
        }

        var (status, detail) = await PostAsync(bomb.ToArray(), encoding: "gzip");

        Assert.Equal((413, $"The request has more than {OtlpLimits.MaxDecompressedBytes} bytes decompressed, which is the most that is taken at once. Send smaller batches."), (status, detail));
    }

    [Theory]
    [InlineData("text/plain", null, "", 400, "Invalid Content-Type: text/plain. Expected: application/x-protobuf")]
    [InlineData("application/x-protobuf", "br", "", 400, "Unsupported Content-Encoding: br")]
    [InlineData("application/x-protobuf", "gzip", "nonsense", 400, "Failed to decompress gzip payload")]
    [InlineData("application/x-protobuf", null, "nonsense", 400, "Invalid OpenTelemetry format")]
    [InlineData("application/x-protobuf; charset=x", null, "", 400, "Invalid OpenTelemetry format - no spans found")]
    public async Task Export_WhatCannotBeRead_IsToldWhy(string contentType, string? encoding, string body, int status, string detail) =>
        Assert.Equal((status, detail), await PostAsync(System.Text.Encoding.UTF8.GetBytes(body), contentType, encoding));

    [Fact]
    public async Task Export_HalfACharacterInJson_LeavesTheTraceReadable()
    {
        var (request, traceId) = Some();
        request.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes.Add(new KeyValue
        {
            Key = "broken",
            Value = new AnyValue { StringValue = "{\"k\\ud800\":\"a\\udc00b\"}" },
        });

        Assert.Equal(200, (await PostAsync(request.ToByteArray())).Status);
        Assert.Equal(200, (await _server.GetAsync("/api/3.0/mlflow/traces/get?trace_id=" + traceId)).Status);
    }

    [Fact]
    public async Task Export_SpanWithoutId_RefusesTheWholeRequest()
    {
        var (request, traceId) = Some();
        request.ResourceSpans[0].ScopeSpans[0].Spans.Add(new Span { Name = "lost", TraceId = ByteString.CopyFrom(new byte[16]), SpanId = ByteString.CopyFrom(new byte[8]) });

        var (status, detail) = await PostAsync(request.ToByteArray());

        Assert.Equal(422, status);
        Assert.StartsWith("Cannot convert OpenTelemetry span to MLflow span: span 'lost'", detail, StringComparison.Ordinal);
        Assert.Equal(404, (await _server.GetAsync("/api/3.0/mlflow/traces/" + traceId)).Status);
    }

    [Fact]
    public async Task Export_UnknownExperiment_IsMlflowsError()
    {
        using var response = await _server.ExportAsync(Some().Request, experimentId: 4711);

        Assert.Equal(404, (int)response.StatusCode);
        Assert.Contains("RESOURCE_DOES_NOT_EXIST", await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_NestedTooDeep_IsRefusedNotACrash()
    {
        var value = new AnyValue { IntValue = 1 };
        for (var depth = 0; depth < 2000; depth++)
        {
            value = new AnyValue { ArrayValue = new ArrayValue { Values = { value } } };
        }

        var (request, _) = Some();
        request.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes.Add(new KeyValue { Key = "deep", Value = value });

        Assert.Equal((400, "Invalid OpenTelemetry format"), await PostAsync(request.ToByteArray()));
    }

    private static (ExportTraceServiceRequest Request, string TraceId) Some()
    {
        var id = Guid.NewGuid().ToByteArray();
        var span = new Span { TraceId = ByteString.CopyFrom(id), SpanId = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8), Name = "s", StartTimeUnixNano = 1, EndTimeUnixNano = 2 };
        return (new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { span } } } } } }, "tr-" + Convert.ToHexStringLower(id));
    }

    private async Task<(int Status, string? Detail)> PostAsync(byte[] body, string contentType = "application/x-protobuf", string? encoding = null)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        using var response = await _server.Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? null : JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString());
    }
}
