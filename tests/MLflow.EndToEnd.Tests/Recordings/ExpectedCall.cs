using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>What the trace of a recorded exchange should say, read from the recording alone.</summary>
public sealed class ExpectedCall
{
    private static readonly string[] Stored = ["getResponse", "cancelResponse", "getChatCompletion", "updateChatCompletion"];

    private readonly Recording _recording;

    public ExpectedCall(Recording recording)
    {
        _recording = recording;
        Operation = PackageCalls.All[recording.Operation!].Name;
        Events = recording is { IsEventStream: true, Status: < 400 }
            ? [.. StreamEvent.Read(Encoding.UTF8.GetString(recording.ResponseBody)).Where(e => e.Data != "[DONE]")]
            : [];
        Inputs = InputsOf(recording);
        Outputs = recording.Status >= 400 ? null : OutputsOf();
        Usage = UsageOf();
        Model = (recording.RequestBody is { Length: > 0 } ? Text(Inputs, "model") : null) ?? Text(Outputs, "model") ?? DeploymentOf(recording.Url);
    }

    public string Operation { get; }

    public JsonNode? Inputs { get; }

    public JsonNode? Outputs { get; }

    public JsonObject? Usage { get; }

    public string? Model { get; }

    /// <summary>The events of a stream without its end mark.</summary>
    public IReadOnlyList<StreamEvent> Events { get; }

    public static JsonNode? InputsOf(byte[] body, string? contentType) =>
        contentType?.StartsWith("multipart/", StringComparison.Ordinal) == true ? MediaReference.Form(body, contentType) : JsonNode.Parse(body);

    private static JsonNode? InputsOf(Recording recording)
    {
        if (recording.RequestBody is not { Length: > 0 } body)
        {
            var values = OpenApiDocument.PathValues(recording.Operation!, recording.Url)
                .Concat(recording.Url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2))
                    .Select(part => KeyValuePair.Create(Uri.UnescapeDataString(part[0]), Uri.UnescapeDataString(part.ElementAtOrDefault(1) ?? ""))))
                .ToList();
            return values.Count == 0 ? null : new JsonObject(values.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)value.Value)));
        }

        return InputsOf(body, recording.RequestContentType);
    }

    private JsonNode? OutputsOf() => _recording.BodyKind switch
    {
        not ("sse" or "none") when IsBinary(_recording.ContentType) => MediaReference.Content(_recording.ResponseBody, _recording.ContentType),
        "sse" => StreamReference.Merge(_recording.Operation!, Events),
        "json" => JsonNode.Parse(_recording.ResponseBody),
        "text" => JsonValue.Create(Encoding.UTF8.GetString(_recording.ResponseBody)),
        "base64" => MediaReference.Content(_recording.ResponseBody, _recording.ContentType),
        _ => null,
    };

    private static bool IsBinary(string contentType) =>
        !contentType.Contains("json", StringComparison.OrdinalIgnoreCase) && !contentType.StartsWith("text/", StringComparison.OrdinalIgnoreCase);

    private JsonObject? UsageOf()
    {
        var usage = Outputs is JsonObject answer ? answer["usage"] : null;
        var isCountedElsewhere = Stored.Contains(_recording.Operation) && (bool?)Outputs?["background"] != true;
        return isCountedElsewhere ? null : UsageReference.Read(usage as JsonObject);
    }

    private static string? Text(JsonNode? node, string name) =>
        node is JsonObject o && o[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static string? DeploymentOf(Uri url)
    {
        var segments = url.AbsolutePath.Split('/');
        var at = Array.IndexOf(segments, "deployments");
        return at > 0 && at + 1 < segments.Length ? Uri.UnescapeDataString(segments[at + 1]) : null;
    }
}
