using Google.Protobuf;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using Xunit;

namespace MLflow.Server.Tests.Otlp;

public sealed class AnyValueJsonTests
{
    [Theory]
    [InlineData("hello", "\"hello\"")]
    [InlineData("東京", "\"東京\"")]
    [InlineData("{\"a\":1}", "{\"a\":1}")]
    [InlineData(" [1, 2] ", "[1, 2]")]
    [InlineData("\t\"quoted\"\r\n", "\"quoted\"")]
    [InlineData(" plain ", "\" plain \"")]
    [InlineData("\"quoted\"", "\"quoted\"")]
    [InlineData("123", "\"123\"")]
    [InlineData("true", "\"true\"")]
    [InlineData("null", "\"null\"")]
    [InlineData("{not json", "\"{not json\"")]
    [InlineData("{\"a\":1} trailing", "\"{\\\"a\\\":1} trailing\"")]
    [InlineData("", "\"\"")]
    [InlineData("line\nend", "\"line\\nend\"")]
    public void Text_OfAString_TakesOneLayerOfJsonOff(string value, string json) => Assert.Equal(json, AnyValueJson.Text(new AnyValue { StringValue = value }));

    [Fact]
    public void Text_OfOtherValues_IsTheirJson()
    {
        Assert.Equal("5", AnyValueJson.Text(new AnyValue { IntValue = 5 }));
        Assert.Equal("9007199254740993", AnyValueJson.Text(new AnyValue { IntValue = 9007199254740993 }));
        Assert.Equal("2.5", AnyValueJson.Text(new AnyValue { DoubleValue = 2.5 }));
        Assert.Equal("1.0", AnyValueJson.Text(new AnyValue { DoubleValue = 1 }));
        Assert.Equal("1E+300", AnyValueJson.Text(new AnyValue { DoubleValue = 1e300 }));
        Assert.Equal("\"NaN\"", AnyValueJson.Text(new AnyValue { DoubleValue = double.NaN }));
        Assert.Equal("false", AnyValueJson.Text(new AnyValue { BoolValue = false }));
        Assert.Equal("\"AQI=\"", AnyValueJson.Text(new AnyValue { BytesValue = ByteString.CopyFrom(1, 2) }));
        Assert.Equal("null", AnyValueJson.Text(new AnyValue()));
        Assert.Equal("null", AnyValueJson.Text(null));
        Assert.Equal("{}", AnyValueJson.Text(new AnyValue { KvlistValue = new KeyValueList() }));
        Assert.Equal(
            """{"a":["{\"b\":1}",null]}""",
            AnyValueJson.Text(new AnyValue
            {
                KvlistValue = new KeyValueList
                {
                    Values = { new KeyValue { Key = "a", Value = new AnyValue { ArrayValue = new ArrayValue { Values = { new AnyValue { StringValue = "{\"b\":1}" }, new AnyValue() } } } } },
                },
            }));
    }
}
