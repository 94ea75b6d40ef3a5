using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;

namespace MLflow;

/// <summary>
/// Content that is no JSON and no plain text, as JSON tells it: <c>{"content_type","size_bytes","sha256","data"}</c>, the data in base64, or as
/// <c>text</c> where it is text all the same. Content of which not all was seen has no hash.
/// </summary>
internal static class BinaryBody
{
    /// <summary>Larger content is shortened; as base64 it is as long as <see cref="MediaTrimmer.MaxTextBytes"/>.</summary>
    public const int MaxBytes = MediaTrimmer.MaxTextBytes / 4 * 3;

    private const int KeptBytes = MediaTrimmer.KeptTextBytes / 4 * 3;

    /// <summary>Records a body of which nothing but the type is known.</summary>
    public static void Read(in RecordedBody body, RecordedFields fields, string path, bool isRequest)
    {
        if (body.Bytes.IsEmpty)
        {
            return;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        json.WriteStartObject();
        WriteFields(json, body.Bytes, body.IsCut ? null : Measure(body.Bytes), body.ContentType ?? MediaSignature.ContentTypeOf(body.Bytes), path, fields, body.TotalBytes);
        json.WriteEndObject();
        json.Flush();
        var value = AttributeValue.FromJson(buffer.WrittenSpan.ToArray());
        if (isRequest)
        {
            fields.Inputs = value;
        }
        else
        {
            fields.Outputs = value;
        }
    }

    public static FilePart Measure(ReadOnlySpan<byte> bytes) => new(bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));

    /// <param name="json">Takes the fields.</param>
    /// <param name="bytes">What is known of the content.</param>
    /// <param name="whole">Size and hash of all of it, as far as known; null when not all was seen.</param>
    /// <param name="contentType">Its type, or null.</param>
    /// <param name="path">Where it will stand.</param>
    /// <param name="fields">Takes what was left out.</param>
    /// <param name="seenBytes">How much of it was seen, where that is more than is known.</param>
    public static void WriteFields(
        Utf8JsonWriter json, ReadOnlySpan<byte> bytes, FilePart? whole, string? contentType, string path, RecordedFields fields, long seenBytes = 0)
    {
        if (!string.IsNullOrEmpty(contentType))
        {
            json.WriteString("content_type"u8, contentType);
        }

        var size = whole?.SizeBytes ?? Math.Max(seenBytes, bytes.Length);
        json.WriteNumber("size_bytes"u8, size);
        if (whole?.Sha256 is { } hash)
        {
            json.WriteString("sha256"u8, hash);
        }

        var isText = IsText(bytes, out var textBytes);
        var limit = isText ? MediaTrimmer.MaxTextBytes : MaxBytes;
        var kept = isText ? bytes[..textBytes] : bytes;
        if (fields.Limits.TrimsMedia && size > limit)
        {
            kept = kept[..Math.Min(kept.Length, isText ? MediaTrimmer.KeptTextBytes : KeptBytes)];
            if (isText)
            {
                IsText(kept, out textBytes);
                kept = kept[..textBytes];
            }
        }

        if (kept.Length < size)
        {
            fields.Media.Add(new TrimmedMedia(path + (isText ? ".text" : ".data"), contentType, size, whole?.Sha256));
        }

        if (isText)
        {
            json.WriteString("text"u8, kept);
        }
        else
        {
            json.WriteBase64String("data"u8, kept);
        }
    }

    /// <summary>True for UTF-8 without control characters. A character that is cut at the end does not count.</summary>
    private static bool IsText(ReadOnlySpan<byte> bytes, out int length)
    {
        length = bytes.Length;
        for (var cut = 0; cut < 4 && cut <= bytes.Length; cut++)
        {
            if (Utf8.IsValid(bytes[..^cut]))
            {
                length = bytes.Length - cut;
                return bytes[..length].IndexOfAnyInRange((byte)0, (byte)8) < 0 && bytes[..length].IndexOfAnyInRange((byte)14, (byte)31) < 0;
            }
        }

        return false;
    }
}
