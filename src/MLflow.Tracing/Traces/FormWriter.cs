using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Writes the JSON object that a form was recorded as out as a form (<c>multipart/form-data</c>) again. Arrays become <c>x[]</c> and objects <c>x[y]</c>, as OpenAI's
/// clients write them.
/// </summary>
internal sealed class FormWriter
{
    /// <summary>Always the same, so that what is written twice is equal.</summary>
    public const string Boundary = "mlflow-form-7f3a1c9e5b2d4f60";

    private readonly ArrayBufferWriter<byte> _body = new();
    private string? _missing;

    public static ExchangeBody Write(JsonElement form)
    {
        var writer = new FormWriter();
        foreach (var field in form.EnumerateObject())
        {
            writer.WriteField(field.Name, field.Value);
        }

        writer.WriteText($"--{Boundary}--\r\n");
        return new ExchangeBody(writer._body.WrittenMemory, $"multipart/form-data; boundary={Boundary}", writer._missing);
    }

    private void WriteField(string name, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when ExchangeBody.ReadContent(value) is { } content:
                WriteFile(name, value, content);
                break;
            case JsonValueKind.Object:
                foreach (var field in value.EnumerateObject())
                {
                    WriteField($"{name}[{field.Name}]", field.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    WriteField(name + "[]", item);
                }

                break;
            case JsonValueKind.String:
                WriteHead(name, null, null);
                WriteText(value.GetString() + "\r\n");
                break;
            default:
                WriteHead(name, null, "application/json");
                WriteText(value.GetRawText() + "\r\n");
                break;
        }
    }

    private void WriteFile(string name, JsonElement value, ExchangeBody content)
    {
        WriteHead(name, Text(value, "filename"), Text(value, "content_type"));
        _body.Write(content.Bytes.Span);
        WriteText("\r\n");
        _missing ??= content.Missing;
    }

    private void WriteHead(string name, string? fileName, string? contentType)
    {
        WriteText($"--{Boundary}\r\nContent-Disposition: form-data; name={Quote(name)}");
        WriteText(fileName is null ? "\r\n" : $"; filename={Quote(fileName)}\r\n");
        WriteText(contentType is null ? "\r\n" : $"Content-Type: {contentType}\r\n\r\n");
    }

    private void WriteText(string text) => _body.Write(Encoding.UTF8.GetBytes(text));

    private static string? Text(JsonElement value, string name) => value.TryGetProperty(name, out var text) ? text.GetString() : null;

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
