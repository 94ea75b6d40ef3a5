using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Tests.Rest;
using MLflow.Server.Traces;
using Xunit;
using ZstdSharp;

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
    [InlineData("zstd")]
    [InlineData("identity")]
    public async Task Export_Compressed_IsStored(string encoding, bool raw = false)
    {
        var (request, traceId) = Some();

        Assert.Equal(200, (await PostAsync(Compress(request.ToByteArray(), encoding, raw), encoding: encoding)).Status);
        Assert.Equal(200, (await _server.GetAsync("/api/3.0/mlflow/traces/" + traceId)).Status);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("zstd")]
    public async Task Export_WhatUnfoldsBeyondTheLimit_IsRefusedEarly(string encoding)
    {
        var limit = new MlflowServerLimits().MaxDecompressedBytes;
        var bomb = Compress(new byte[limit + 1], encoding);
        Assert.True(bomb.Length < limit / 100);

        Assert.Equal((413, $"The request has more than {limit} bytes decompressed (--max-decompressed-bytes), which is the most that is taken at once. Send smaller batches."), await PostAsync(bomb, encoding: encoding));
    }

    [Theory]
    [InlineData("text/plain", null, "", 400, "Invalid Content-Type: text/plain. Expected: application/x-protobuf or application/json")]
    [InlineData("application/x-protobuf", "br", "", 400, "Unsupported Content-Encoding: br")]
    [InlineData("application/x-protobuf", "gzip, zstd", "", 400, "Unsupported Content-Encoding: gzip, zstd")]
    [InlineData("application/x-protobuf", "gzip", "nonsense", 400, "Failed to decompress gzip payload")]
    [InlineData("application/x-protobuf", "deflate", "nonsense", 400, "Failed to decompress deflate payload")]
    [InlineData("application/x-protobuf", "zstd", "nonsense", 400, "Failed to decompress zstd payload")]
    [InlineData("application/x-protobuf", null, "nonsense", 400, "Invalid OpenTelemetry format")]
    [InlineData("application/x-protobuf; charset=x", null, "", 400, "Invalid OpenTelemetry format - no spans found")]
    [InlineData("application/json", null, "{}", 400, "Invalid OpenTelemetry format - no spans found")]
    [InlineData("application/json; charset=utf-8", null, "[]", 400, "Invalid OpenTelemetry format: the request must be an object and is an array.")]
    [InlineData("application/json", null, """{"resourceSpans":{}}""", 400, "Invalid OpenTelemetry format: resourceSpans must be an array and is an object.")]
    [InlineData("application/json", null, """{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":7}]}]}]}""", 400, "Invalid OpenTelemetry format: name must be a string and is 7.")]
    [InlineData("application/json", null, """{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"-1"}]}]}]}""", 400, "Invalid OpenTelemetry format: startTimeUnixNano must be a whole number of 64 bits, not negative and is \"-1\".")]
    [InlineData("application/json", null, """{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1e3}]}]}]}""", 400, "Invalid OpenTelemetry format: startTimeUnixNano must be a whole number of 64 bits, not negative and is 1e3.")]
    [InlineData("application/json", null, """{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_NONE"}]}]}]}""", 400, "Invalid OpenTelemetry format: kind must be a number of its enumeration and is \"SPAN_KIND_NONE\".")]
    [InlineData("application/json", null, """{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":{"boolValue":"yes"}}]}]}]}]}""", 400, "Invalid OpenTelemetry format: boolValue must be true or false and is \"yes\".")]
    public async Task Export_WhatCannotBeRead_IsToldWhy(string contentType, string? encoding, string body, int status, string message) =>
        Assert.Equal((status, message), await PostAsync(Encoding.UTF8.GetBytes(body), contentType, encoding));

    [Fact]
    public async Task Export_ZlibThatNeedsADictionary_IsDamaged() =>
        Assert.Equal((400, "Failed to decompress deflate payload"), await PostAsync([0x78, 0x20, 0, 0, 0, 1, 0x4b, 4, 0], encoding: "deflate"));

    [Theory]
    [InlineData("{\"resourceSpans\":[")]
    [InlineData("nonsense")]
    [InlineData("")]
    public async Task Export_TextThatIsNoJson_IsRefused(string body)
    {
        var (status, message) = await PostAsync(Encoding.UTF8.GetBytes(body), "application/json");

        Assert.Equal(400, status);
        Assert.StartsWith("Invalid OpenTelemetry format: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_CutAnywhere_IsAnsweredAndNeverA500()
    {
        var (request, _) = Some();
        foreach (var (bytes, type) in new[] { (request.ToByteArray(), "application/x-protobuf"), (Encoding.UTF8.GetBytes(Json("0102030405060708090a0b0c0d0e0fff")), "application/json") })
        {
            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.InRange((await PostAsync(bytes[..length], type)).Status, 200, 422);
            }
        }
    }

    [Fact]
    public async Task Export_EachFieldMissingWrongOrHuge_IsAnsweredAndNeverA500()
    {
        string[] values = ["null", "1", "-1", "1e999", "123456789012345678901234567890", "true", "\"\"", "\"x\"", "\"\\ud800\"", "[]", "[[]]", "{}", "\"" + new string('x', 100_000) + "\""];
        var whole = JsonNode.Parse(Json("0102030405060708090a0b0c0d0e0ffe"))!;
        var places = Places(whole).ToList();
        Assert.True(places.Count > 80);
        foreach (var place in places)
        {
            foreach (var value in values.Prepend(null))
            {
                var request = whole.DeepClone();
                Change(request, place, value);
                var body = Encoding.UTF8.GetBytes(request.ToJsonString());
                if (value == "\"\\ud800\"" || value == "1e999")
                {
                    body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace("\"(raw)\"", value, StringComparison.Ordinal));
                }

                var (status, message) = await PostAsync(body, "application/json");
                Assert.True(status is 200 or 400 or 422, $"{string.Join('/', place)} = {value}: {status} {message}");
                Assert.True(status == 200 || message is { Length: > 0 and < 400 }, message);
            }
        }

        static IEnumerable<string[]> Places(JsonNode? node) => node switch
        {
            JsonObject members => members.SelectMany(member => Places(member.Value).Select(place => (string[])[member.Key, .. place]).Prepend([member.Key])),
            JsonArray items => items.SelectMany((item, i) => Places(item).Select(place => (string[])[$"{i}", .. place]).Prepend([$"{i}"])),
            _ => [],
        };

        static void Change(JsonNode node, string[] place, string? value)
        {
            foreach (var part in place[..^1])
            {
                node = node is JsonArray items ? items[int.Parse(part, System.Globalization.CultureInfo.InvariantCulture)]! : node[part]!;
            }

            var changed = value is null ? null : value is "\"\\ud800\"" or "1e999" ? JsonValue.Create("(raw)") : JsonNode.Parse(value);
            if (node is JsonArray array)
            {
                array[int.Parse(place[^1], System.Globalization.CultureInfo.InvariantCulture)] = changed;
            }
            else if (value is null)
            {
                node.AsObject().Remove(place[^1]);
            }
            else
            {
                node[place[^1]] = changed;
            }
        }
    }

    [Fact]
    public async Task Export_Json_IsStoredAsProtobufIs()
    {
        using var content = new StringContent(Json("0102030405060708090A0B0C0D0E0F00"), null, "application/json");
        using var response = await _server.Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal((200, "application/json", "{ }"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken)));
        var span = Assert.Single(await _server.SpansAsync("tr-0102030405060708090a0b0c0d0e0f00"));
        Assert.Equal(("s", 5L, 9007199254740993L, "00f067aa0ba902b7"), (span.Name, span.StartNs, span.EndNs, span.ParentSpanId));
        Assert.Equal((SpanStatus.Error, "boom", "CLIENT", "a=b", "https://example.test/1.37"), (span.Status, span.StatusMessage, span.Kind, span.TraceState, span.SchemaUrl));
        Assert.Equal(
            ["i=9007199254740993", "n=3", "d=0.5", "t=true", "s=\"x\"", "a=[1,null]", "m={\"k\":\"v\"}", "b=\"AQI=\"", "none=null"],
            span.Attributes.Select(a => $"{a.Key}={a.Value}"));
        Assert.Equal(("e", 7L), (Assert.Single(span.Events).Name, span.Events[0].TimeNs));
        Assert.Equal(("0102030405060708090a0b0c0d0e0f01", "0000000000000009"), (Assert.Single(span.Links).OtelTraceId, span.Links[0].SpanId));
        Assert.Equal(("scope", "2"), (span.ScopeName, span.ScopeVersion));
        Assert.Equal("sa=1", string.Join(',', span.ScopeAttributes.Select(a => $"{a.Key}={a.Value}")));
        Assert.Equal("service.name=\"app\"", string.Join(',', span.Resource.Select(a => $"{a.Key}={a.Value}")));
    }

    [Theory]
    [InlineData("application/x-protobuf")]
    [InlineData("application/json")]
    public async Task Export_Refused_IsAStatusInTheFormatOfTheRequest(string type)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(type == "application/json" ? "{}" : ""));
        content.Headers.ContentType = new(type);
        using var response = await _server.Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        var status = type == "application/json" ? JsonParser.Default.Parse<RpcStatus>(Encoding.UTF8.GetString(body)) : RpcStatus.Parser.ParseFrom(body);
        Assert.Equal((3, "Invalid OpenTelemetry format - no spans found"), (status.Code, status.Message));
        Assert.False(response.Headers.Contains("Retry-After"));
    }

    [Fact]
    public async Task Export_ByMlflowsOwnClient_IsRefusedInMlflowsWords()
    {
        using var content = new ByteArrayContent([]);
        content.Headers.ContentType = new("application/x-protobuf");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = content };
        request.Headers.TryAddWithoutValidation("User-Agent", "mlflow-python-client/3.6.1");
        using var response = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal("""{"detail":"Invalid OpenTelemetry format - no spans found"}""", await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Parse_MoreThanIsTakenAtOnce_IsRefusedBeforeItIsRead()
    {
        // Two bytes each: 101,000 spans of one scope, and five million attributes of one span.
        var spans = Field(1, Field(2, [.. Enumerable.Repeat(Field(2, []), new MlflowServerLimits().MaxSpansPerRequest + 1).SelectMany(bytes => bytes)]));
        var attributes = Field(1, Field(2, Field(2, [.. Enumerable.Repeat(Field(9, []), OtlpLimits.MaxParts).SelectMany(bytes => bytes)])));
        byte[] group = [0xA3, 0x06, 0xA4, 0x06];
        foreach (var (body, said) in new[] { ([.. group, .. spans], "more than 100000 spans, log records or data points"), (spans, "more than 100000 spans, log records or data points"), (attributes, "more than 5000000 attributes, values and other parts") })
        {
            var request = new ExportTraceServiceRequest();

            var refused = Assert.Throws<OtlpException>(() => OtlpProtobuf.Parse(body, request, new MlflowServerLimits()));

            Assert.Equal(413, refused.StatusCode);
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
            Assert.Empty(request.ResourceSpans);
        }

        static byte[] Field(int number, byte[] content)
        {
            using var stream = new MemoryStream();
            using var output = new CodedOutputStream(stream);
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
            output.Flush();
            return stream.ToArray();
        }
    }

    [Fact]
    public void Budget_Full_AsksToComeAgainAndHasRoomAfterwards()
    {
        var budget = new OtlpBudget(new MlflowServerLimits { MaxBytesInWork = 100 });
        budget.Take(60);

        var refused = Assert.Throws<OtlpException>(() => budget.Take(60));

        Assert.True(OtlpStatus.Of(refused) is { Http: 503, Reason: "busy", IsRetryable: true, Grpc: Grpc.Core.StatusCode.Unavailable });
        budget.Return(60);
        budget.Take(100);
    }

    [Theory]
    [InlineData(nameof(OtlpFormat.Protobuf))]
    [InlineData(nameof(OtlpFormat.Json))]
    public async Task Answer_ThatMayBeTriedAgain_SaysWhen(string name)
    {
        var format = Enum.Parse<OtlpFormat>(name);
        var context = new DefaultHttpContext();
        using var body = new MemoryStream();
        context.Response.Body = body;

        await new OtlpAnswer(OtlpStatus.Of(new MlflowException(ErrorCode.TEMPORARILY_UNAVAILABLE, "full"))!, format).ExecuteAsync(context);

        Assert.Equal((503, "2"), (context.Response.StatusCode, context.Response.Headers.RetryAfter.ToString()));
        var status = format == OtlpFormat.Json ? JsonParser.Default.Parse<RpcStatus>(Encoding.UTF8.GetString(body.ToArray())) : RpcStatus.Parser.ParseFrom(body.ToArray());
        Assert.Equal((14, "TEMPORARILY_UNAVAILABLE: full"), (status.Code, status.Message));
    }

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

    [Theory]
    [InlineData("application/x-protobuf")]
    [InlineData("application/json")]
    public async Task Export_BadSpansAmongGoodOnes_AreCountedWithReasonsAndTheGoodOnesStored(string type)
    {
        var (request, traceId) = Some();
        var spans = request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans.Add(new Span { Name = "lost", TraceId = ByteString.CopyFrom(new byte[16]), SpanId = ByteString.CopyFrom(new byte[8]) });
        spans.Add(new Span(spans[0]) { Name = "short", SpanId = ByteString.CopyFrom(1, 2) });
        spans.Add(new Span(spans[0]) { Name = "late", StartTimeUnixNano = ulong.MaxValue });
        spans.Add(new Span(spans[0]) { Name = "long", Attributes = { new KeyValue { Key = "mlflow.traceRequestId", Value = new AnyValue { StringValue = new string('x', 251) } } } });
        using var content = new ByteArrayContent(type == "application/json" ? Encoding.UTF8.GetBytes(OtlpJsonText.Of(request)) : request.ToByteArray());
        content.Headers.ContentType = new(type);

        using var response = await _server.Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);

        var body = await response.Content.ReadAsByteArrayAsync(Xunit.TestContext.Current.CancellationToken);
        var answer = type == "application/json" ? JsonParser.Default.Parse<ExportTraceServiceResponse>(Encoding.UTF8.GetString(body)) : ExportTraceServiceResponse.Parser.ParseFrom(body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(4, answer.PartialSuccess.RejectedSpans);
        Assert.Equal(
            "span 'lost' needs a trace_id of 16 bytes and a span_id of 8 bytes, not all zero. span 'short' needs a trace_id of 16 bytes and a span_id of 8 bytes, not all zero. "
            + "span 'late' has a time beyond 9223372036854775807 nanoseconds after 1970.",
            answer.PartialSuccess.ErrorMessage);
        Assert.Equal("s", Assert.Single(await _server.SpansAsync(traceId)).Name);
    }

    [Fact]
    public async Task Export_NothingButBadSpans_IsRefused()
    {
        var (request, _) = Some();
        request.ResourceSpans[0].ScopeSpans[0].Spans[0].SpanId = ByteString.Empty;

        Assert.Equal(
            (422, "Cannot convert OpenTelemetry span to MLflow span: span 's' needs a trace_id of 16 bytes and a span_id of 8 bytes, not all zero."),
            await PostAsync(request.ToByteArray()));
    }

    [Fact]
    public async Task Export_UnknownExperiment_IsNotFound()
    {
        using var response = await _server.ExportAsync(Some().Request, experimentId: 4711);

        var status = RpcStatus.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync(Xunit.TestContext.Current.CancellationToken));
        Assert.Equal((404, 5), ((int)response.StatusCode, status.Code));
        Assert.StartsWith("RESOURCE_DOES_NOT_EXIST: ", status.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("many")]
    [InlineData("-1")]
    [InlineData("99999999999999999999")]
    public async Task Export_ExperimentThatIsNoId_IsRefused(string experiment)
    {
        using var content = new ByteArrayContent(Some().Request.ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        content.Headers.Add("x-mlflow-experiment-id", experiment);
        using var response = await _server.Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(400, (int)response.StatusCode);
    }

    [Fact]
    public async Task Metrics_AreCountedAndNotKept()
    {
        var request = new ExportMetricsServiceRequest
        {
            ResourceMetrics = { new ResourceMetrics { ScopeMetrics = { new ScopeMetrics { Metrics = { new Metric { Sum = new DataPoints { DataPoints_ = { new DataPoint(), new DataPoint() } } } } } } } },
        };
        using var content = new ByteArrayContent(request.ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        using var response = await _server.Client.PostAsync(new Uri("/v1/metrics", UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);

        var answer = ExportMetricsServiceResponse.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync(Xunit.TestContext.Current.CancellationToken));
        Assert.Equal((200, 2L), ((int)response.StatusCode, answer.PartialSuccess.RejectedDataPoints));
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

    [Fact]
    public async Task Export_JsonNestedTooDeep_IsRefusedNotACrash()
    {
        var value = string.Concat(Enumerable.Repeat("{\"arrayValue\":{\"values\":[", 2000)) + string.Concat(Enumerable.Repeat("]}}", 2000));
        var (status, _) = await PostAsync(Encoding.UTF8.GetBytes("""{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"deep","value":""" + value + "}]}]}]}]}"), "application/json");

        Assert.Equal(400, status);
    }

    private static string Json(string traceId) => """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"app"}}],"unknown":1},"schemaUrl":"https://example.test/1.30",
        "scopeSpans":[{"schemaUrl":"https://example.test/1.37","scope":{"name":"scope","version":"2","attributes":[{"key":"sa","value":{"intValue":1}}]},"spans":[
        {"traceId":"TRACE","spanId":"0000000000000001","parentSpanId":"00f067aa0ba902b7","traceState":"a=b","name":"s","kind":3,"startTimeUnixNano":5,"endTimeUnixNano":"9007199254740993",
        "status":{"code":2,"message":"boom"},"unknown":{"x":[1]},"droppedAttributesCount":0,"flags":257,
        "events":[{"name":"e","timeUnixNano":"7"}],"links":[{"traceId":"0102030405060708090a0b0c0d0e0f01","spanId":"0000000000000009"}],
        "attributes":[{"key":"i","value":{"intValue":"9007199254740993"}},{"key":"n","value":{"intValue":3}},{"key":"d","value":{"doubleValue":0.5}},{"key":"t","value":{"boolValue":true}},
        {"key":"s","value":{"stringValue":"x"}},{"key":"a","value":{"arrayValue":{"values":[{"intValue":1},{}]}}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}},
        {"key":"b","value":{"bytesValue":"AQI="}},{"key":"none"}]}]}]}]}
        """.Replace("TRACE", traceId, StringComparison.Ordinal);

    private static byte[] Compress(byte[] bytes, string encoding, bool raw = false)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = encoding.ToUpperInvariant() switch
        {
            "GZIP" => new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
            "ZSTD" => new CompressionStream(compressed, leaveOpen: true),
            "IDENTITY" => new BufferedStream(compressed),
            _ when raw => new DeflateStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            stream.Write(bytes);
        }

        return compressed.ToArray();
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
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        }

        using var response = await _server.Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content);
        var answer = await response.Content.ReadAsByteArrayAsync();
        var status = response.IsSuccessStatusCode ? null
            : response.Content.Headers.ContentType?.MediaType == "application/json" ? JsonParser.Default.Parse<RpcStatus>(Encoding.UTF8.GetString(answer)) : RpcStatus.Parser.ParseFrom(answer);
        return ((int)response.StatusCode, status?.Message);
    }
}
