using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using MLflow.Server.Otlp.Protos;
using Xunit;

namespace MLflow.Server.Tests.Hardening;

/// <summary>Requests that are too large in some way: each is refused by a limit, and the error names limit, value and setting.</summary>
public sealed class LimitTests(HardenedFixture fixture) : IClassFixture<HardenedFixture>
{
    [Fact]
    public async Task Spans_MoreThanTheLimit_AreRefusedByName()
    {
        await using var server = await HardenedServer.StartAsync(options => options.Limits.MaxSpansPerRequest = 3);
        var trace = Guid.NewGuid().ToByteArray();

        var (status, message) = await server.ExportAsync(HardenedServer.Request([.. Enumerable.Range(1, 4).Select(i => HardenedServer.Span(traceId: trace, spanId: i))]));

        Assert.Equal((413, "The request has more than 3 spans, log records or data points, which is the most that is taken at once (--max-spans-per-request). Send smaller batches."), (status, message));
    }

    [Fact]
    public async Task Span_WithTooManyAttributesOrEvents_IsRefusedAlone()
    {
        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.Limits.MaxAttributesPerSpan = 3;
            options.Limits.MaxEventsPerSpan = 2;
        });
        var wide = HardenedServer.Span("wide");
        wide.Attributes.Add(Enumerable.Range(0, 4).Select(i => HardenedServer.Attribute("k" + i, "v")));
        var inner = HardenedServer.Span("inner");
        inner.Events.Add(new Span.Types.Event { Name = "e", Attributes = { wide.Attributes } });
        var chatty = HardenedServer.Span("chatty");
        chatty.Events.Add(Enumerable.Range(0, 3).Select(_ => new Span.Types.Event { Name = "e" }));
        var linked = HardenedServer.Span("linked");
        linked.Links.Add(Enumerable.Range(0, 3).Select(_ => new Span.Types.Link { TraceId = linked.TraceId, SpanId = linked.SpanId }));
        var good = HardenedServer.Span("good");

        var (status, message) = await server.ExportAsync(HardenedServer.Request(wide, inner, chatty, good));
        Assert.Equal(
            (200, "span 'wide' has 4 attributes; at most 3 are taken (--max-attributes-per-span). span 'inner' has 4 attributes; at most 3 are taken (--max-attributes-per-span). span 'chatty' has 3 events or links; at most 2 are taken (--max-events-per-span)."),
            (status, message));
        Assert.Equal(200, (await server.SendAsync("GET", "/api/3.0/mlflow/traces/tr-" + Convert.ToHexStringLower(good.TraceId.Span))).Status);
        Assert.Equal(404, (await server.SendAsync("GET", "/api/3.0/mlflow/traces/tr-" + Convert.ToHexStringLower(wide.TraceId.Span))).Status);
        Assert.Equal(422, (await server.ExportAsync(HardenedServer.Request(linked))).Status);

        var request = HardenedServer.Request(HardenedServer.Span());
        request.ResourceSpans[0].Resource = new Resource { Attributes = { wide.Attributes } };
        Assert.Equal((413, "A resource has 4 attributes; at most 3 are taken (--max-attributes-per-span)."), await server.ExportAsync(request));
    }

    [Theory]
    [InlineData("/api/3.0/mlflow/traces/batchGetInfos", """{"trace_ids":["tr-1","tr-2","tr-3"]}""", "'trace_ids' has 3 ids; at most 2 are taken at once (--max-ids-per-request). Split the call.")]
    [InlineData("/api/3.0/mlflow/traces/delete-traces", """{"experiment_id":"0","request_ids":["tr-1","tr-2","tr-3"]}""", "'request_ids' has 3 ids; at most 2 are taken at once (--max-ids-per-request). Split the call.")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"max_results":2147483648}""", "Invalid value 2147483647 for parameter 'max_results' supplied:  Hint: Value was of type 'int'. It must be 1 to 500. See the API docs for more information about request parameters.")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"max_results":-1}""", "Invalid value 0 for parameter 'max_results' supplied:  Hint: Value was of type 'int'. It must be 1 to 500. See the API docs for more information about request parameters.")]
    public async Task Counts_BeyondTheLimit_AreRefusedByName(string path, string body, string message)
    {
        await using var server = await HardenedServer.StartAsync(options => options.Limits.MaxIdsPerRequest = 2);

        var (status, text, _) = await server.PostJsonAsync(path, body);

        Assert.Equal((400, message), (status, JsonDocument.Parse(text).RootElement.GetProperty("message").GetString()));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(100_000)]
    public async Task Json_NestedTooDeep_IsRefused(int depth)
    {
        var server = fixture.Server;

        var (status, text, _) = await server.PostJsonAsync("/api/3.0/mlflow/traces/search", """{"filter":""" + new string('[', depth) + new string(']', depth) + "}");
        Assert.Equal(400, status);
        Assert.Contains("depth of 64", text, StringComparison.Ordinal);

        using var otlp = new StringContent("""{"resourceSpans":""" + new string('[', depth * 10) + new string(']', depth * 10) + "}", null, "application/json");
        Assert.Equal(400, (await server.SendAsync("POST", "/v1/traces", otlp)).Status);
        Assert.Equal(200, (await server.SendAsync("GET", "/health")).Status);
    }

    [Fact]
    public async Task Bodies_BeyondTheLimit_AreRefusedByName()
    {
        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.Limits.MaxBodyBytes = 100_000;
            options.Limits.MaxJsonBytes = 2_000;
        });

        var json = await server.PostJsonAsync("/api/3.0/mlflow/traces/search", $$"""{"filter":"{{new string('x', 3000)}}"}""");
        Assert.Equal((400, "The request's body has more than 2000 bytes, which is the most that is taken at once (--max-json-bytes)."), (json.Status, Message(json.Body)));
        var announced = await server.PostJsonAsync("/api/3.0/mlflow/traces/search", new string(' ', 200_000));
        Assert.Equal(413, announced.Status);
        Assert.Contains("100000", Message(announced.Body), StringComparison.Ordinal);
        Assert.EndsWith("(--max-body-bytes)", Message(announced.Body), StringComparison.Ordinal);

        static string? Message(string body) => JsonDocument.Parse(body).RootElement.GetProperty("message").GetString();
    }

    public static TheoryData<string, int> Bombs => new() { { "gzip", 1 }, { "deflate", 1 }, { "zstd", 1 }, { "gzip", 2 } };

    [Theory]
    [MemberData(nameof(Bombs))]
    public async Task Bomb_OfAnyCompression_IsRefusedWithoutBeingUnfolded(string encoding, int times)
    {
        await using var server = await HardenedServer.StartAsync(options => options.Limits.MaxDecompressedBytes = 1_000_000);
        var body = new byte[50_000_000];
        for (var i = 0; i < times; i++)
        {
            body = Compress(body, encoding);
        }

        Assert.True(body.Length < 100_000);
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/x-protobuf");
        content.Headers.TryAddWithoutValidation("Content-Encoding", string.Join(", ", Enumerable.Repeat(encoding, times)));
        var (status, _, response) = await server.SendAsync("POST", "/v1/traces", content);
        var message = RpcStatus.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync(Xunit.TestContext.Current.CancellationToken)).Message;

        Assert.Equal(times == 1 ? 413 : 400, status);
        Assert.Equal(
            times == 1 ? "The request has more than 1000000 bytes decompressed (--max-decompressed-bytes), which is the most that is taken at once. Send smaller batches." : "Unsupported Content-Encoding: gzip, gzip",
            message);
    }

    // A bomb inside a bomb is bytes of a message: it is not unfolded again.
    [Fact]
    public async Task Bomb_InsideOfAMessage_StaysAsItIs()
    {
        await using var server = await HardenedServer.StartAsync(options => options.Limits.MaxDecompressedBytes = 1_000_000);
        var span = HardenedServer.Span();
        span.Attributes.Add(new KeyValue { Key = "file", Value = new AnyValue { BytesValue = ByteString.CopyFrom(Compress(new byte[50_000_000], "gzip")) } });

        Assert.Equal(200, (await server.ExportAsync(HardenedServer.Request(span))).Status);
    }

    [Fact]
    public async Task Compression_OfTheRestApi_IsNotUnfoldedAtAll()
    {
        var server = fixture.Server;
        using var content = new ByteArrayContent(Compress(Encoding.UTF8.GetBytes("{}"), "gzip"));
        content.Headers.ContentType = new("application/json");
        content.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");

        Assert.Equal(400, (await server.SendAsync("POST", "/api/3.0/mlflow/traces/search", content)).Status);
    }

    [Fact]
    public async Task Headers_ThatNeverEnd_AreNotWaitedFor()
    {
        await using var server = await HardenedServer.StartAsync(options => options.Limits.HeadersTimeout = TimeSpan.FromSeconds(1));

        Assert.StartsWith("HTTP/1.1 408", await server.RawAsync("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_ThatTrickles_IsNotWaitedForAndNamesTheSetting()
    {
        await using var server = await HardenedServer.StartAsync(options => options.Limits.MinBytesPerSecond = 1_000_000);

        var answer = await server.RawAsync("POST /api/3.0/mlflow/traces/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{");

        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Contains("(--min-bytes-per-second)", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_TooManyOrTooLong_AreRefused()
    {
        var server = fixture.Server;

        Assert.StartsWith("HTTP/1.1 431", await server.RawAsync("GET / HTTP/1.1\r\nHost: localhost\r\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: x\r\n")) + "\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 431", await server.RawAsync("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + new string('x', 40_000) + "\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 414", await server.RawAsync("GET /" + new string('x', 10_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_OutOfRange_AreNamedAllAtOnce()
    {
        var exception = await Assert.ThrowsAsync<MlflowServerStartException>(() => HardenedServer.StartAsync(options =>
        {
            options.Limits.MaxBodyBytes = 0;
            options.Limits.MaxEventsPerSpan = -1;
            options.Limits.HeadersTimeout = TimeSpan.FromDays(1);
        }));

        Assert.Equal(
            [
                "--max-body-bytes 0 is out of range: it must be 1024 to 1073741824.",
                "--max-events-per-span -1 is out of range: it must be 1 to 10000000.",
                "--headers-timeout 86400 is out of range: it must be 0.1 to 3600.",
            ],
            exception.Message.Split(Environment.NewLine));
    }

    private static byte[] Compress(byte[] bytes, string encoding)
    {
        using var target = new MemoryStream();
        using (Stream stream = encoding switch
        {
            "gzip" => new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true),
            "deflate" => new ZLibStream(target, CompressionLevel.Optimal, leaveOpen: true),
            _ => new ZstdSharp.CompressionStream(target, leaveOpen: true),
        })
        {
            stream.Write(bytes);
        }

        return target.ToArray();
    }
}
