using System.Text.Json;
using MLflow.Cli.Traces.Import;
using MLflow.Server.Otlp.Protos;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class OtlpProtobufTests
{
    [Theory]
    [InlineData("stringValue")]
    [InlineData("boolValue")]
    [InlineData("intValue")]
    [InlineData("doubleValue")]
    [InlineData("bytesValue")]
    [InlineData("arrayValue")]
    [InlineData("kvlistValue")]
    public void Convert_ValueOfNull_IsNoValue(string kind)
    {
        var request = JsonElement.Parse(
            """{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"11111111111111111111111111111111","spanId":"1111111111111111","attributes":[{"key":"k","value":{"KIND":null}}]}]}]}]}""".Replace("KIND", kind, StringComparison.Ordinal));

        var bytes = Assert.Single(OtlpProtobuf.Convert(request));

        var attribute = Assert.Single(ExportTraceServiceRequest.Parser.ParseFrom(bytes).ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes);
        Assert.Equal(("k", AnyValue.ValueOneofCase.None), (attribute.Key, attribute.Value.ValueCase));
    }
}
