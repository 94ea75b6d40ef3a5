using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>JSON as OpenAI writes it: 東京 stays 東京. Works without reflection, which file-based programs turn off.</summary>
internal static class ScriptedJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] ToUtf8(JsonNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options))
        {
            node.WriteTo(writer);
        }

        return stream.ToArray();
    }

    public static string ToText(JsonNode node) => Encoding.UTF8.GetString(ToUtf8(node));

    /// <summary>The body of a request.</summary>
    /// <exception cref="ScriptedErrorException">The body is no JSON object.</exception>
    public static async Task<JsonObject> ReadAsync(HttpRequest request)
    {
        try
        {
            var node = await JsonNode.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted);
            return node as JsonObject ?? throw ScriptedError.BadRequest("The body of your request is not a JSON object.").ToException();
        }
        catch (JsonException)
        {
            throw ScriptedError.BadRequest("We could not parse the JSON body of your request.").ToException();
        }
    }

    public static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    public static bool IsTrue(JsonNode? node) => Flag(node) == true;

    public static bool? Flag(JsonNode? node) => node is JsonValue value && value.TryGetValue(out bool flag) ? flag : null;

    public static int? Number(JsonNode? node) => node is JsonValue value && value.TryGetValue(out int number) ? number : null;

    public static double? Degree(JsonNode? node) => node is JsonValue value && value.TryGetValue(out double number) ? number : null;
}
