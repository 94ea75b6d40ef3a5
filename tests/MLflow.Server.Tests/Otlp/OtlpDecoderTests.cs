using Google.Protobuf;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Otlp;

public sealed class OtlpDecoderTests
{
    private static readonly byte[] Id = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];

    [Fact]
    public void Decode_PlainSpan_GetsMlflowsIdAndDefaults()
    {
        var span = Assert.Single(Decode(new Span { Name = "s", StartTimeUnixNano = 5 }));

        Assert.Equal("tr-0102030405060708090a0b0c0d0e0f10", span.TraceId);
        Assert.Equal("0102030405060708090a0b0c0d0e0f10", span.OtelTraceId);
        Assert.Equal("0000000000000001", span.SpanId);
        Assert.Equal((null, "UNKNOWN", SpanStatus.Unset, null, 5L, null), (span.ParentSpanId, span.Type, span.Status, span.StatusMessage, span.StartNs, span.EndNs));
        Assert.Equal("\"app\"", Assert.Single(span.Resource).Value);
        Assert.Equal(("scope", "1.2"), (span.ScopeName, span.ScopeVersion));
    }

    [Theory]
    [InlineData("my-trace", "my-trace")]
    [InlineData("\"tr-quoted\"", "tr-quoted")]
    [InlineData("", "tr-0102030405060708090a0b0c0d0e0f10")]
    public void Decode_TraceIdOfTheClient_Wins(string value, string expected)
    {
        var span = Assert.Single(Decode(new Span { Attributes = { new KeyValue { Key = "mlflow.traceRequestId", Value = new AnyValue { StringValue = value } } } }));

        Assert.Equal(expected, span.TraceId);
    }

    [Fact]
    public void Decode_TraceIdWithoutEnd_IsRefused()
    {
        var exception = Assert.Throws<OtlpException>(() =>
            Decode(new Span { Attributes = { new KeyValue { Key = "mlflow.traceRequestId", Value = new AnyValue { StringValue = new string('x', 251) } } } }));

        Assert.Equal(422, exception.StatusCode);
    }

    [Fact]
    public void Decode_ParentOfZeros_IsARoot() => Assert.Null(Assert.Single(Decode(new Span { ParentSpanId = ByteString.CopyFrom(new byte[8]) })).ParentSpanId);

    private static IReadOnlyList<SpanRecord> Decode(Span span)
    {
        span.TraceId = ByteString.CopyFrom(Id);
        span.SpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 1);
        var request = new ExportTraceServiceRequest
        {
            ResourceSpans =
            {
                new ResourceSpans
                {
                    Resource = new Resource { Attributes = { new KeyValue { Key = "service.name", Value = new AnyValue { StringValue = "app" } } } },
                    ScopeSpans = { new ScopeSpans { Scope = new InstrumentationScope { Name = "scope", Version = "1.2" }, Spans = { span } } },
                },
            },
        };
        return OtlpDecoder.Decode(request, new MlflowServerLimits()).Spans;
    }
}
