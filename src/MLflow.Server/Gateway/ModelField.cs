using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MLflow.Server.Gateway;

/// <summary>The field <c>model</c> of a request: what it says, and the request with another model in its place and every other byte as it came.</summary>
internal static class ModelField
{
    private const int MaxDepth = 512;

    /// <summary>Of JSON, what it says. Where it stands more than once, the last counts, as with most readers.</summary>
    /// <returns>Null where there is none, or where it is no text.</returns>
    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static string? Read(ReadOnlySpan<byte> json) => Find(json) is [.., var last] ? JsonSerializer.Deserialize(json[last], GatewayTextContext.Default.String) : null;

    /// <summary>The JSON with another model, wherever it stands.</summary>
    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static byte[] Replace(ReadOnlySpan<byte> json, string model)
    {
        var value = JsonSerializer.SerializeToUtf8Bytes(model, GatewayTextContext.Default.String);
        var result = new ArrayBufferWriter<byte>(json.Length + value.Length);
        var from = 0;
        foreach (var range in Find(json))
        {
            result.Write(json[from..range.Start.Value]);
            result.Write(value);
            from = range.End.Value;
        }

        result.Write(json[from..]);
        return result.WrittenSpan.ToArray();
    }

    /// <summary>The JSON of a request that names no model, with one.</summary>
    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static byte[] Add(ReadOnlySpan<byte> json, string model)
    {
        var reader = Reader(json);
        reader.Read();
        var open = (int)reader.BytesConsumed;
        reader.Read();
        return [.. json[..open], .. "\"model\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(model, GatewayTextContext.Default.String), .. reader.TokenType == JsonTokenType.EndObject ? ""u8 : ","u8, .. json[open..]];
    }

    /// <summary>Whether the JSON has a field, at its outermost level.</summary>
    public static bool Has(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name)
    {
        var reader = Reader(json);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals(name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Of a form, where the value of the field stands.</summary>
    /// <param name="form">The body.</param>
    /// <param name="boundary">Its boundary.</param>
    /// <returns>Null where there is no such field.</returns>
    public static Range? FindInForm(ReadOnlySpan<byte> form, string boundary)
    {
        // --boundary CRLF headers CRLF CRLF value CRLF --boundary, https://www.rfc-editor.org/rfc/rfc7578
        var mark = Encoding.ASCII.GetBytes("--" + boundary);
        Range? found = null;
        for (var at = form.IndexOf(mark); at >= 0;)
        {
            var headers = at + mark.Length;
            var end = form[headers..].IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                break;
            }

            var start = headers + end + 4;
            var next = form[start..].IndexOf([.. "\r\n"u8, .. mark]);
            if (next < 0)
            {
                break;
            }

            if (IsModel(Encoding.UTF8.GetString(form[headers..(headers + end)])))
            {
                found = start..(start + next);
            }

            at = start + next + 2;
        }

        return found;
    }

    /// <summary>The form with another model.</summary>
    public static byte[] ReplaceInForm(ReadOnlySpan<byte> form, Range value, string model) => [.. form[..value.Start.Value], .. Encoding.UTF8.GetBytes(model), .. form[value.End.Value..]];

    private static bool IsModel(string headers) => headers.Split("\r\n").Any(line =>
        line.StartsWith("Content-Disposition:", StringComparison.OrdinalIgnoreCase)
        && line.Split(';').Any(part => part.Trim() is "name=\"model\"" or "name=model")
        && !line.Contains("filename", StringComparison.OrdinalIgnoreCase));

    private static List<Range> Find(ReadOnlySpan<byte> json)
    {
        var found = new List<Range>();
        var reader = Reader(json);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("model"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.String)
                {
                    found.Add((int)reader.TokenStartIndex..(int)reader.BytesConsumed);
                }
            }
        }

        return found;
    }

    private static Utf8JsonReader Reader(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var first = reader;
        return first.Read() && first.TokenType == JsonTokenType.StartObject ? reader : throw new JsonException("The body must be a JSON object.");
    }
}
