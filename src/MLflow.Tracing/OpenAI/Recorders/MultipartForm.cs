using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Turns a form (<c>multipart/form-data</c>) into the JSON object that the same request would have without files: fields by name, <c>x[]</c> and repeated
/// ones as arrays, <c>x[y]</c> as objects, and of each file its name, type, size, hash and content.
/// </summary>
internal static class MultipartForm
{
    /// <summary>Reads a form: inputs, model, and a parameter for every field that is no file.</summary>
    public static void Read(in RecordedBody body, RecordedFields fields)
    {
        if (MultipartText.BoundaryOf(body.ContentType) is not { } boundary)
        {
            BinaryBody.Read(body, fields, "inputs", isRequest: true);
            return;
        }

        var form = new FormObject();
        var files = new HashSet<string>(StringComparer.Ordinal);
        var delimiter = Encoding.UTF8.GetBytes("\r\n--" + boundary);
        var rest = body.Bytes;
        rest = rest.StartsWith(delimiter.AsSpan(2)) ? rest[(delimiter.Length - 2)..] : After(rest, delimiter);
        var fileIndex = 0;
        while (!rest.IsEmpty && !rest.StartsWith("--"u8))
        {
            var head = rest.IndexOf("\r\n\r\n"u8);
            if (head < 0)
            {
                break;
            }

            var headers = Encoding.UTF8.GetString(rest[..head]);
            rest = rest[(head + 4)..];
            var end = rest.IndexOf(delimiter);
            var content = end < 0 ? rest : rest[..end];
            var disposition = MultipartText.Header(headers, "Content-Disposition") ?? "";
            var name = MultipartText.Parameter(disposition, "name") ?? "";
            if (MultipartText.IsFile(headers))
            {
                files.Add(FormObject.TopOf(name));
                form.Add(name, File(headers, disposition, content, SizeOf(body, fileIndex++, content, isWhole: end >= 0), "inputs." + name, fields));
            }
            else
            {
                form.Add(name, Text(headers, content));
            }

            rest = end < 0 ? default : rest[(end + delimiter.Length)..];
        }

        RequestReader.Read(form.Write(), fields);

        // Files are in the inputs; as parameters they would be there twice.
        fields.Attributes.RemoveAll(attribute => files.Contains(attribute.Key));
    }

    private static ReadOnlySpan<byte> After(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> delimiter) =>
        bytes.IndexOf(delimiter) is >= 0 and var at ? bytes[(at + delimiter.Length)..] : default;

    /// <summary>What was seen of a file while it passed, or what there is of it when the form came as a whole.</summary>
    private static FilePart? SizeOf(in RecordedBody body, int index, ReadOnlySpan<byte> content, bool isWhole) =>
        index < body.Files.Count ? body.Files[index] : isWhole && body.Files.Count == 0 ? BinaryBody.Measure(content) : null;

    private static byte[] Text(string headers, ReadOnlySpan<byte> content)
    {
        if (MultipartText.IsJson(MultipartText.Header(headers, "Content-Type") ?? "") && JsonText.IsJson(content))
        {
            return content.ToArray();
        }

        return [(byte)'"', .. JsonEncodedText.Encode(JsonText.ValidUtf8(content), JsonText.WriterOptions.Encoder).EncodedUtf8Bytes, (byte)'"'];
    }

    private static byte[] File(string headers, string disposition, ReadOnlySpan<byte> content, FilePart? measured, string path, RecordedFields fields)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        json.WriteStartObject();
        if (MultipartText.Parameter(disposition, "filename") is { } filename)
        {
            json.WriteString("filename"u8, filename);
        }

        BinaryBody.WriteFields(json, content, measured, MultipartText.Header(headers, "Content-Type"), path, fields);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
