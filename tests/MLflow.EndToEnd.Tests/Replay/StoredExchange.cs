using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;

namespace MLflow.EndToEnd.Tests.Replay;

/// <summary>One recorded exchange of <c>../shared/recordings</c>, whatever its API.</summary>
public sealed class StoredExchange
{
    private StoredExchange(string api, JsonObject document)
    {
        Id = (string)document["id"]!;
        Api = api;
        var request = document["request"] as JsonObject;
        var response = document["response"]!.AsObject();
        Method = (string?)request?["method"] ?? "POST";

        // Of answers without a request nothing is known but the API.
        PathAndQuery = request is null
            ? "/v1/" + (((string)document["api"]!).Replace('.', '/'))
            : PathOf((string)request["url"]!);
        RequestBody = request is null ? "{}"u8.ToArray() : BodyOf(request);
        RequestContentType = request is null ? "application/json" : ContentTypeOf(request);
        Status = (int)response["status"]!;
        ResponseBody = BodyOf(response);
        IsEventStream = (string?)response["body_kind"] == "sse";
        ResponseContentType = ContentTypeOf(response) ?? (IsEventStream ? "text/event-stream" : "application/json");
    }

    public string Id { get; }

    /// <summary>The folder.</summary>
    public string Api { get; }

    public string Method { get; }

    public string PathAndQuery { get; }

    public byte[] RequestBody { get; }

    public string? RequestContentType { get; }

    public int Status { get; }

    public byte[] ResponseBody { get; }

    public string ResponseContentType { get; }

    public bool IsEventStream { get; }

    /// <summary>All recordings; null where they are not there.</summary>
    public static IReadOnlyList<StoredExchange>? LoadAll() => SharedFolder.Find("recordings") is not { } folder
        ? null
        : [.. Directory.GetDirectories(folder).Order(StringComparer.Ordinal).SelectMany(api => Directory.GetFiles(api, "*.json").Order(StringComparer.Ordinal)
            .Select(file => new StoredExchange(Path.GetFileName(api), JsonNode.Parse(File.ReadAllText(file))!.AsObject())))];

    /// <summary>Hosts of some recordings were masked and are no names any more.</summary>
    private static string PathOf(string url) => url[url.IndexOf('/', url.IndexOf("://", StringComparison.Ordinal) + 3)..];

    private static string? ContentTypeOf(JsonObject message) => (string?)message["headers"]?["content-type"];

    private static byte[] BodyOf(JsonObject message) => (string?)message["body_kind"] switch
    {
        "json" => Encoding.UTF8.GetBytes(message["body"]?.ToJsonString(SharedFolder.AsText) ?? "null"),
        "sse" or "text" => Encoding.UTF8.GetBytes((string)message["body"]!),
        "base64" => Convert.FromBase64String((string)message["body"]!["base64"]!),
        _ => [],
    };
}
