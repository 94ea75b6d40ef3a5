using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using MLflow.Tests.Otlp;
using MLflow.Tests.Spans;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class OtlpEncodingTests : SpanTestBase
{
    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.String,
        OneOf("", "null", "true", "123", "\"quoted\"", " {\"a\": 1} ", "[]", "{}", "[1,", "{not json", "\"", "[NaN]", "東京", "\ud800", "a\ud800b", "\t[1]", "\"\\\"twice\\\"\""));

    private static readonly Gen<object?> Values = Gen.OneOf<object?>(
        Texts.Select(t => (object?)t),
        Gen.Long.Select(l => (object?)l),
        Gen.Double.Where(double.IsFinite).Select(d => (object?)d),
        Gen.Bool.Select(b => (object?)b),
        Gen.Const((object?)null),
        Texts.Array[0, 4].Select(a => (object?)a),
        Gen.Dictionary(Gen.String.AlphaNumeric, Texts)[0, 4].Select(d => (object?)d));

    [Fact]
    public void Encode_AnyAttributes_ArriveAsTheyWere() => Gen.Select(Gen.String.AlphaNumeric.Where(k => k.Length > 0), Values).Array[0, 8].Sample(attributes =>
    {
        var span = Start("x");
        foreach (var (key, value) in attributes)
        {
            span.SetAttribute(key, value);
        }

        span.Dispose();
        var decoded = Decode(span).Attributes.ToDictionary(a => a.Key, a => ReadByServer(a.Value));
        foreach (var (key, value) in span.EndedAttributes)
        {
            var expected = JsonNode.Parse(AttributeJson.Of(value));
            Assert.True(Same(expected, decoded[key]), $"sent {expected?.ToJsonString()}, arrived {decoded[key]?.ToJsonString()}");
        }
    });

    [Theory]
    [InlineData("hello", "hello")]
    [InlineData("123", "123")]
    [InlineData("{\"a\":1}", "\"{\\\"a\\\":1}\"")]
    [InlineData("[broken", "\"[broken\"")]
    public void Encode_Text_GetsALayerOnlyWhereItCouldBeTakenForJson(string text, string sent) =>
        Assert.Equal(sent, Attribute(s => s.SetAttribute("k", text), "k").StringValue);

    [Fact]
    public void Encode_JsonStructures_AreTextAndEmptyOnesSurvive()
    {
        Assert.Equal("[]", Attribute(s => s.SetAttribute("k", Array.Empty<int>()), "k").StringValue);
        Assert.Equal("{\"a\":[1,null]}", Attribute(s => s.SetAttribute("k", new { a = new int?[] { 1, null } }), "k").StringValue);
    }

    [Theory]
    [InlineData("12", AnyValue.ValueOneofCase.IntValue)]
    [InlineData("12.5", AnyValue.ValueOneofCase.DoubleValue)]
    [InlineData("true", AnyValue.ValueOneofCase.BoolValue)]
    [InlineData("null", AnyValue.ValueOneofCase.None)]
    [InlineData("\"x\"", AnyValue.ValueOneofCase.StringValue)]
    public void Encode_JsonScalars_AreNative(string json, AnyValue.ValueOneofCase expected) =>
        Assert.Equal(expected, Attribute(s => s.SetAttribute("k", AttributeValue.FromJson(Encoding.UTF8.GetBytes(json))), "k").ValueCase);

    [Theory]
    [InlineData(new byte[] { (byte)'{', 0xFF, (byte)'}' })]
    [InlineData(new byte[] { (byte)'n', (byte)'o' })]
    [InlineData(new byte[] { (byte)'"', 0xC3, (byte)'"' })]
    [InlineData(new byte[0])]
    public void Encode_BytesThatAreNotJson_CanStillBeDecoded(byte[] bytes) =>
        Assert.Equal(AnyValue.ValueOneofCase.StringValue, Attribute(s => s.SetAttribute("k", AttributeValue.FromJson(bytes)), "k").ValueCase);

    [Fact]
    public void Encode_VeryDeepJson_GoesAsItIs()
    {
        var json = new string('[', 300) + new string(']', 300);
        Assert.Equal(json, Attribute(s => s.SetAttribute("k", AttributeValue.FromJson(Encoding.UTF8.GetBytes(json))), "k").StringValue);
    }

    [Fact]
    public void Encode_Span_CarriesIdTypeAndNoKindWhateverTheUserSets()
    {
        var span = Start("x");
        span.SetSpanType(SpanType.Tool);
        span.SetAttribute(AttributeNames.TraceRequestId, "mine");
        span.SetAttribute(AttributeNames.SpanType, "mine");
        span.Dispose();
        var decoded = Decode(span);

        Assert.Equal(span.TraceId, decoded.Attributes.Single(a => a.Key == "mlflow.traceRequestId").Value.StringValue);
        Assert.Equal("TOOL", decoded.Attributes.Single(a => a.Key == "mlflow.spanType").Value.StringValue);
        Assert.Equal(span.TraceId, "tr-" + Convert.ToHexStringLower(decoded.TraceId.Span));
        Assert.Equal(span.SpanId, Convert.ToHexStringLower(decoded.SpanId.Span));
        Assert.Equal((0, 0), (decoded.Kind, decoded.ParentSpanId.Length));
        Assert.Equal((ulong)span.StartNs, decoded.StartTimeUnixNano);
        Assert.Equal((ulong)span.EndNs, decoded.EndTimeUnixNano);
        Assert.Equal(1, decoded.Status.Code);
    }

    [Fact]
    public void Encode_EventText_IsPlainEvenWhereItIsJson()
    {
        var span = Start("x");
        span.AddEvent("mlflow.chunk.item.0", [new("mlflow.chunk.value", "{\"a\":1}"), new("n", 3)]);
        span.Dispose();

        var recorded = Decode(span).Events.Single();
        Assert.Equal("{\"a\":1}", recorded.Attributes[0].Value.StringValue);
        Assert.Equal(3, recorded.Attributes[1].Value.IntValue);
    }

    [Fact]
    public void Encode_Request_SaysWhoSends()
    {
        var resource = Encode(Some.EndedSpan(Tracer)).ResourceSpans.Single().Resource.Attributes.ToDictionary(a => a.Key, a => a.Value.StringValue);
        Assert.Equal(("dotnet", "mlflow"), (resource["telemetry.sdk.language"], resource["telemetry.sdk.name"]));
        Assert.Equal(SdkInfo.Version, resource["telemetry.sdk.version"]);
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static Span Decode(LiveSpan span) => Encode(span).ResourceSpans.Single().ScopeSpans.Single().Spans.Single();

    private static ExportTraceServiceRequest Encode(LiveSpan span)
    {
        using var request = new OtlpRequest();
        request.Begin();
        var position = 0;
        Assert.True(Some.Encoded(span).TryReadSpan(ref position, out var encoded));
        request.Add(encoded);
        return ExportTraceServiceRequest.Parser.ParseFrom(request.End().Span);
    }

    private AnyValue Attribute(Action<LiveSpan> set, string key)
    {
        var span = Start("x");
        set(span);
        span.Dispose();
        return Decode(span).Attributes.Single(a => a.Key == key).Value;
    }

    /// <summary>What a client reads back from MLflow's server: native values as they are, one layer taken off a string that is itself a JSON string, object or array.</summary>
    private static JsonNode? ReadByServer(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => TryParse(value.StringValue) is { } inner ? inner : JsonValue.Create(value.StringValue),
        AnyValue.ValueOneofCase.BoolValue => JsonValue.Create(value.BoolValue),
        AnyValue.ValueOneofCase.IntValue => JsonValue.Create(value.IntValue),
        AnyValue.ValueOneofCase.DoubleValue => JsonValue.Create(value.DoubleValue),
        _ => null,
    };

    private static JsonNode? TryParse(string text)
    {
        try
        {
            var node = JsonNode.Parse(text);
            return node is JsonObject or JsonArray || node?.GetValueKind() == JsonValueKind.String ? node : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool Same(JsonNode? left, JsonNode? right) =>
        left is JsonValue l && right is JsonValue r && l.GetValueKind() == JsonValueKind.Number && r.GetValueKind() == JsonValueKind.Number
            ? l.ToJsonString() == r.ToJsonString() || double.Parse(l.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture).Equals(double.Parse(r.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture))
            : JsonNode.DeepEquals(left, right);
}
