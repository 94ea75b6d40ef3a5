using System.Text.Json;
using System.Text.Json.Serialization;

namespace MLflow;

/// <summary>Names what is no data by its type, however deep it stands in a value.</summary>
internal sealed class OpaqueValueConverter : JsonConverter<object>
{
    public override bool CanConvert(Type typeToConvert) => OpaqueValues.IsOpaque(typeToConvert);

    public override object Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("Values are only written.");

    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options) => writer.WriteStringValue(OpaqueValues.NameOf(value));
}
