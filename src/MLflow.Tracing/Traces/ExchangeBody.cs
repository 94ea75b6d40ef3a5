using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>A body that was written out again.</summary>
/// <param name="Bytes">The body; empty for none.</param>
/// <param name="ContentType">The content type, where writing it again changed that; else null.</param>
/// <param name="Missing">What the body lacks; null when it is whole.</param>
internal readonly record struct ExchangeBody(ReadOnlyMemory<byte> Bytes, string? ContentType = null, string? Missing = null)
{
    /// <param name="value">Inputs, outputs or the error's body of a span.</param>
    /// <param name="contentType">What the body was sent as.</param>
    public static ExchangeBody Write(JsonElement? value, string? contentType)
    {
        switch (value)
        {
            case null:
                return default;
            case { ValueKind: JsonValueKind.String } text:
                // What was no JSON was kept as text.
                return new(Encoding.UTF8.GetBytes(text.GetString()!));
            case { ValueKind: JsonValueKind.Object } form when IsOfType(contentType, "multipart/form-data"):
                return FormWriter.Write(form);
            case { ValueKind: JsonValueKind.Object } content when !IsOfType(contentType, "application/json") && ReadContent(content) is { } binary:
                return binary;
            case { } json:
                return new(Encoding.UTF8.GetBytes(json.GetRawText()));
        }
    }

    /// <summary>The content that an object of <c>size_bytes</c> and <c>data</c> or <c>text</c> describes; null where it is something else.</summary>
    public static ExchangeBody? ReadContent(JsonElement value)
    {
        if (!value.TryGetProperty("size_bytes", out var sizeValue) || !sizeValue.TryGetInt64(out var size))
        {
            return null;
        }

        byte[]? bytes = null;
        if (value.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
        {
            bytes = Encoding.UTF8.GetBytes(text.GetString()!);
        }
        else if (!value.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.String || !data.TryGetBytesFromBase64(out bytes))
        {
            return null;
        }

        return new(bytes, Missing: bytes.Length == size
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{bytes.Length} of {size} bytes of content were kept; MediaCapture.Whole keeps all that fits."));
    }

    private static bool IsOfType(string? contentType, string mediaType) => new RecordedBody(default, contentType).IsOfType(mediaType);
}
