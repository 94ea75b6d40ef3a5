using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>One recorded exchange of <c>../shared/recordings</c>.</summary>
public sealed class Recording
{
    private Recording(JsonObject document)
    {
        Id = (string)document["id"]!;
        var request = document["request"]!;
        var response = document["response"]!;
        Method = (string)request["method"]!;

        // Where a part of the address was replaced by a name in brackets, it no longer is one.
        Url = new Uri(((string)request["url"]!).Replace("<", "", StringComparison.Ordinal).Replace(">", "", StringComparison.Ordinal));
        RequestBody = BodyBytes(request);
        Status = (int)response["status"]!;
        ResponseBody = BodyBytes(response) ?? [];
        IsEventStream = (string?)response["body_kind"] == "sse";
        ContentType = (string?)response["headers"]?["content-type"] ?? (IsEventStream ? "text/event-stream" : "application/json");
        RequestId = (string?)response["headers"]?["x-request-id"];
    }

    public string Id { get; }

    public string Method { get; }

    public Uri Url { get; }

    public byte[]? RequestBody { get; }

    public int Status { get; }

    public byte[] ResponseBody { get; }

    public bool IsEventStream { get; }

    public string ContentType { get; }

    public string? RequestId { get; }

    /// <summary>A call of a model, as opposed to a look at a stored completion.</summary>
    public bool IsModelCall => Method == "POST" && Url.AbsolutePath.EndsWith("/chat/completions", StringComparison.Ordinal);

    /// <summary>The recordings of one API, or null where they are not there.</summary>
    public static IReadOnlyList<Recording>? LoadAll(string api)
    {
        var folder = SharedFolder.Find(Path.Combine("recordings", api));
        return folder is null
            ? null
            : [.. Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal).Select(file => new Recording(JsonNode.Parse(File.ReadAllText(file))!.AsObject()))];
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
