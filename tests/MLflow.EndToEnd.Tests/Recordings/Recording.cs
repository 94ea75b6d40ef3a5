using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>One recorded exchange of <c>../shared/recordings</c>.</summary>
public sealed class Recording
{
    private Recording(JsonObject document)
    {
        Id = (string)document["id"]!;
        Api = (string)document["api"]!;
        Operation = (string?)document["operation"];
        Provider = (string)document["provider"]!;
        if (document["request"] is { } request)
        {
            Method = (string)request["method"]!;

            // One recording hides the region in the host's name.
            Url = new Uri(((string)request["url"]!).Replace("<aws_region>", "region", StringComparison.Ordinal));
            RequestBody = BodyBytes(request);
            RequestContentType = (string?)request["body"]?["content_type"] ?? (string?)request["headers"]?["content-type"];
        }

        var response = document["response"]!;
        Status = (int)response["status"]!;
        ResponseBody = BodyBytes(response) ?? [];
        BodyKind = (string)response["body_kind"]!;
        ContentType = (string?)response["headers"]?["content-type"] ?? (IsEventStream ? "text/event-stream" : "application/json");
        RequestId = (string?)response["headers"]?["x-request-id"];
    }

    public string Id { get; }

    /// <summary>The family, which is also the folder: <c>chat.completions</c>, <c>responses</c>, <c>other</c>, …</summary>
    public string Api { get; }

    /// <summary>The operation's id in the OpenAPI document.</summary>
    public string? Operation { get; }

    /// <summary><c>openai</c>, <c>azure</c> or <c>compatible</c>.</summary>
    public string Provider { get; }

    public string Method { get; } = "";

    public Uri Url { get; } = new("about:blank");

    public byte[]? RequestBody { get; }

    public string? RequestContentType { get; }

    public bool HasMultipartRequest => RequestContentType?.StartsWith("multipart/", StringComparison.Ordinal) == true;

    public int Status { get; }

    public byte[] ResponseBody { get; }

    /// <summary><c>json</c>, <c>sse</c>, <c>text</c>, <c>base64</c> or <c>none</c>.</summary>
    public string BodyKind { get; }

    public bool IsEventStream => BodyKind == "sse";

    public string ContentType { get; }

    public string? RequestId { get; }

    /// <summary>The recordings of one API, or of all of them; null where they are not there.</summary>
    public static IReadOnlyList<Recording>? LoadAll(string? api = null)
    {
        var folder = SharedFolder.Find(api is null ? "recordings" : Path.Combine("recordings", api));
        if (folder is null)
        {
            return null;
        }

        var folders = api is null ? Directory.GetDirectories(folder).Where(path => Path.GetFileName(path) != "response-only") : [folder];
        return [.. folders.SelectMany(path => Directory.GetFiles(path, "*.json")).Order(StringComparer.Ordinal).Select(file => new Recording(JsonNode.Parse(File.ReadAllText(file))!.AsObject()))];
    }

    public override string ToString() => Id;

    private static byte[]? BodyBytes(JsonNode message) => (string?)message["body_kind"] switch
    {
        "json" => Encoding.UTF8.GetBytes(message["body"]?.ToJsonString(SharedFolder.AsText) ?? "null"),
        "sse" or "text" => Encoding.UTF8.GetBytes((string)message["body"]!),
        "base64" => Convert.FromBase64String((string)message["body"]!["base64"]!),
        _ => null,
    };
}
