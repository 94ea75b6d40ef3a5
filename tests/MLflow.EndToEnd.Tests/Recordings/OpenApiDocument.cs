using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>The operations of the OpenAPI document and their examples: <c>../shared/recordings/openapi-examples.json</c>.</summary>
public static class OpenApiDocument
{
    private static readonly Lazy<JsonObject?> Content = new(() =>
        SharedFolder.Find(Path.Combine("recordings", "openapi-examples.json")) is { } file ? JsonNode.Parse(File.ReadAllText(file))!.AsObject() : null);

    private static readonly Lazy<Dictionary<string, string>> Paths = new(() => Operations!.ToDictionary(o => (string)o["operationId"]!, o => (string)o["path"]!));

    /// <summary>Null where the file is not there.</summary>
    public static IReadOnlyList<JsonNode>? Operations => Content.Value is { } content ? [.. content["operations"]!.AsArray().Select(o => o!)] : null;

    /// <summary>Examples of schemas and of stream events.</summary>
    public static IReadOnlyList<JsonNode>? Examples => Content.Value is { } content ? [.. content["schema_and_stream_event_examples"]!.AsArray().Select(o => o!)] : null;

    /// <summary>The values of the path's variables.</summary>
    public static IEnumerable<KeyValuePair<string, string>> PathValues(string operation, Uri url)
    {
        var template = Paths.Value[operation].Split('/');
        var path = url.AbsolutePath.TrimEnd('/').Split('/')[^template.Length..];
        return template.Zip(path).Where(pair => pair.First is ['{', ..]).Select(pair => KeyValuePair.Create(pair.First[1..^1], Uri.UnescapeDataString(pair.Second)));
    }
}
