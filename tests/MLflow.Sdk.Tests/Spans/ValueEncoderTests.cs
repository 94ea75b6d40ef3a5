using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Xunit;

namespace MLflow.Tests.Spans;

public sealed class ValueEncoderTests
{
    [Fact]
    public void Encode_Scalars_StayWhatTheyAre()
    {
        Assert.Equal(AttributeValueKind.Null, ValueEncoder.Encode(null).Kind);
        Assert.Equal(7, ValueEncoder.Encode((short)7).Int64);
        Assert.Equal(uint.MaxValue, ValueEncoder.Encode(uint.MaxValue).Int64);
        Assert.True(ValueEncoder.Encode(true).Boolean);
        Assert.Equal(double.NaN, ValueEncoder.Encode(double.NaN).Double);
        Assert.Equal("text", ValueEncoder.Encode("text").String);
    }

    [Fact]
    public void Encode_Text_StaysText() => Assert.Equal("""{"city":"東京"}""", Json(new { city = "東京" }));

    [Fact]
    public void Encode_NotANumberInside_IsNamed() => Assert.Equal("""{"x":"NaN"}""", Json(new { x = double.NaN }));

    [Fact]
    public void Encode_Cycle_IsCut()
    {
        var node = new Node();
        node.Next = node;
        Assert.Equal("""{"Next":null}""", Json(node));
    }

    [Fact]
    public void Encode_GetterThrows_RecordsTheText() => Assert.Equal(nameof(Hostile), ValueEncoder.Encode(new Hostile()).String);

    [Fact]
    public void Encode_Huge_RecordsANote()
    {
        var value = ValueEncoder.Encode(new byte[ValueEncoder.MaxJsonBytes].ToList());
        Assert.Equal(AttributeValueKind.String, value.Kind);
        Assert.True(value.Size < 1000);
    }

    [Fact]
    public void Encode_DisposedOrUndefinedElement_DoesNotThrow()
    {
        var document = JsonDocument.Parse("[1]");
        var element = document.RootElement;
        document.Dispose();

        Assert.Equal(AttributeValueKind.String, ValueEncoder.Encode(element).Kind);
        Assert.Equal(AttributeValueKind.Null, ValueEncoder.Encode(default(JsonElement)).Kind);
    }

    private static string Json(object value)
    {
        var encoded = ValueEncoder.Encode(value);
        Assert.Equal(AttributeValueKind.Json, encoded.Kind);
        return Encoding.UTF8.GetString(encoded.Json);
    }

    public static TheoryData<object, string> Opaque => new()
    {
        { new HttpClient { DefaultRequestHeaders = { { "Authorization", "Bearer s3cret" } } }, "<HttpClient>" },
        { new HttpRequestMessage { Headers = { { "api-key", "s3cret" } } }, "<HttpRequestMessage>" },
        { new AuthenticationHeaderValue("Bearer", "s3cret"), "<AuthenticationHeaderValue>" },
        { new NetworkCredential("ada", "s3cret"), "<NetworkCredential>" },
        { new Cookie("session", "s3cret"), "<Cookie>" },
        { new MemoryStream("s3cret"u8.ToArray()), "<MemoryStream>" },
        { new TaskCompletionSource<int>().Task, "<Task`1>" },
        { (Func<int>)(() => 1), "<Func`1>" },
        { new Lazy<int>(() => throw new InvalidOperationException("it was asked for")), "<Lazy`1>" },
        { new ValueTask<int>(1), "<ValueTask`1>" },
    };

    /// <summary>To look into a task waits for it, into a client tells its credentials.</summary>
    [Theory]
    [MemberData(nameof(Opaque), DisableDiscoveryEnumeration = true)]
    public void Encode_WhatIsNoData_IsNamedByItsTypeHoweverDeepItStands(object value, string name)
    {
        var deep = new { n = 1, list = new[] { value }, map = new Dictionary<string, object> { ["a"] = new { value } } };

        Assert.Equal(name, ValueEncoder.Encode(value).String);
        Assert.Equal("""{"n":1,"list":["NAME"],"map":{"a":{"value":"NAME"}}}""".Replace("NAME", name, StringComparison.Ordinal), Json(deep));
        Assert.Equal($$"""["{{name}}"]""", Encoding.UTF8.GetString(PlainJsonWriter.Write(new[] { value })));
    }

    private sealed class Node
    {
        public Node? Next { get; set; }
    }

    private sealed class Hostile
    {
        private readonly string _text = nameof(Hostile);

        public int Value => throw new InvalidOperationException(_text);

        public override string ToString() => _text;
    }
}
