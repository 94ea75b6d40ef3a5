using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Forms and content that is no text, as our traces should tell them when they are captured whole.</summary>
public static class MediaReference
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static JsonNode Form(byte[] body, string contentType)
    {
        var result = new JsonObject();
        foreach (var (name, fileName, type, content) in MultipartForm.Parts(body, contentType))
        {
            JsonNode value = fileName is null ? (JsonNode)Encoding.UTF8.GetString(content) : File(fileName, content, type);
            var key = name.EndsWith("[]", StringComparison.Ordinal) ? name[..^2] : name;
            if (result[key] is JsonArray known)
            {
                known.Add(value);
            }
            else if (key != name)
            {
                result[key] = new JsonArray(value);
            }
            else
            {
                result[key] = value;
            }
        }

        return result;
    }

    public static JsonObject Content(byte[] content, string? contentType)
    {
        var result = new JsonObject { ["size_bytes"] = content.Length, ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)) };
        if (contentType is not null)
        {
            result["content_type"] = contentType;
        }

        if (TextOf(content) is { } text)
        {
            result["text"] = text;
        }
        else
        {
            result["data"] = Convert.ToBase64String(content);
        }

        return result;
    }

    private static JsonObject File(string fileName, byte[] content, string? contentType)
    {
        var result = Content(content, contentType);
        result["filename"] = fileName;
        return result;
    }

    private static string? TextOf(byte[] content)
    {
        try
        {
            var text = StrictUtf8.GetString(content);
            return text.All(c => c is >= ' ' or '\t' or '\n' or '\r' or '\v' or '\f') ? text : null;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
