using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Forms and content that is no text, as our traces should tell them when they are captured whole.</summary>
public static partial class MediaReference
{
    /// <summary>Content that belongs to no text or JSON: what it is, and all of it.</summary>
    public static JsonObject Content(byte[] content, string? contentType, string? fileName = null)
    {
        var result = new JsonObject();
        if (fileName is not null)
        {
            result["filename"] = fileName;
        }

        if (contentType is not null)
        {
            result["content_type"] = contentType;
        }

        result["size_bytes"] = content.Length;
        result["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content));
        var text = TextOf(content);
        result[text is null ? "data" : "text"] = text ?? Convert.ToBase64String(content);
        return result;
    }

    /// <summary>A form as the JSON request that would ask for the same.</summary>
    public static JsonObject Form(byte[] body, string contentType)
    {
        var result = new JsonObject();
        foreach (var part in MultipartForm.Parts(body, contentType).GroupBy(part => part.Name))
        {
            var values = part.Select(Value).ToArray();
            var name = NameOfField().Match(part.Key);
            if (name.Groups[2] is { Success: true, Length: > 0 } member)
            {
                var o = result[name.Groups[1].Value] as JsonObject;
                if (o is null)
                {
                    result[name.Groups[1].Value] = o = [];
                }

                o[member.Value] = values[0];
            }
            else
            {
                result[name.Groups[1].Value] = name.Groups[2].Success || values.Length > 1 ? new JsonArray(values) : values[0];
            }
        }

        return result;

        static JsonNode? Value((string Name, string? FileName, string? ContentType, byte[] Content) part) =>
            part.FileName is null ? Encoding.UTF8.GetString(part.Content) : Content(part.Content, part.ContentType, part.FileName);
    }

    /// <summary>The type that content without one shows by its first bytes.</summary>
    public static string? Signature(byte[] content) => Convert.ToHexString(content.AsSpan(0, Math.Min(content.Length, 4))) switch
    {
        ['F', 'F', 'F' or 'E', '2' or '3' or 'A' or 'B', ..] => "audio/mpeg",
        "89504E47" => "image/png",
        ['4', '9', '4', '4', '3', '3', ..] => "audio/mpeg",
        _ => null,
    };

    private static string? TextOf(byte[] content)
    {
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
            return text.Any(c => c < ' ' && c is not ('\t' or '\n' or '\v' or '\f' or '\r')) ? null : text;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"^([^\[]*)(?:\[([^\]]*)\])?$")]
    private static partial Regex NameOfField();
}
