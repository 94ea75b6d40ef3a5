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
