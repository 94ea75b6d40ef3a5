using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Forms and content that is no text, as our traces should tell them when they are captured whole.</summary>
public static class MediaReference
{
    public static JsonNode Form(byte[] body, string contentType)
    {
        var result = new JsonObject();
        foreach (var (name, fileName, type, content) in MultipartForm.Parts(body, contentType))
        {
            result[name] = fileName is null ? Encoding.UTF8.GetString(content) : Content(content, type);
        }

        return result;
    }

    public static JsonNode Content(byte[] content, string? contentType) => JsonValue.Create(Convert.ToBase64String(content));
}
