using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>What the stream of each operation should come to, independently of the product.</summary>
public static class StreamReference
{
    private static readonly string[] ResponseEnds =
        ["response.completed", "response.failed", "response.incomplete", "response.cancelled", "response.done"];

    public static JsonNode? Merge(string operation, IReadOnlyList<StreamEvent> events)
    {
        var chunks = events.Select(e => (e.Name, Data: Parse(e.Data))).Where(e => e.Data is not null).Select(e => (e.Name, Data: e.Data!)).ToList();
        return operation switch
        {
            "createChatCompletion" => ReferenceMerge.Merge([.. chunks.Select(chunk => chunk.Data)]),
            "createResponse" or "getResponse" => Response([.. chunks.Select(chunk => chunk.Data)]),
            "createCompletion" => Completion([.. chunks.Select(chunk => chunk.Data)]),
            "createSpeech" => Speech([.. chunks.Select(chunk => chunk.Data)]),
            "createTranscription" => Transcript([.. chunks.Select(chunk => chunk.Data)]),
            "createImage" or "createImageEdit" => Images([.. chunks.Select(chunk => chunk.Data)]),
            "createRun" or "createThreadAndRun" or "submitToolOuputsToRun" => Run([.. chunks.Select(chunk => chunk.Data)]),
            _ => new JsonArray([.. chunks.Select(chunk => chunk.Data.DeepClone())]),
        };
    }

    /// <summary>The response that the last event carries; where none ended the stream, the last one that came, with the items that are done.</summary>
    private static JsonObject? Response(List<JsonObject> events)
    {
        var end = events.FindLast(e => ResponseEnds.Contains((string?)e["type"]));
        var response = (end ?? events.FindLast(e => e["response"] is JsonObject))?["response"]?.DeepClone().AsObject();
        var items = events.Where(e => (string?)e["type"] == "response.output_item.done").Select(e => e["item"]!.DeepClone()).ToArray();
        if (items.Length > 0 && response?["output"] is null or JsonArray { Count: 0 })
        {
            (response ??= [])["output"] = new JsonArray(items);
        }

        return response;
    }

    /// <summary>The audio as content that came as a whole, and what the last event says.</summary>
    private static JsonObject Speech(List<JsonObject> events)
    {
        byte[] audio = [.. events.Where(e => (string?)e["type"] == "speech.audio.delta").SelectMany(e => Convert.FromBase64String((string)e["audio"]!))];
        var result = MediaReference.Content(audio, MediaReference.Signature(audio));
        foreach (var (name, value) in events.Single(e => (string?)e["type"] == "speech.audio.done").Where(field => field.Key != "type"))
        {
            result[name] = value?.DeepClone();
        }

        return result;
    }

    private static JsonObject Transcript(List<JsonObject> events)
    {
        var result = events.Single(e => (string?)e["type"] == "transcript.text.done").DeepClone().AsObject();
        result.Remove("type");
        var segments = events.Where(e => (string?)e["type"] == "transcript.text.segment").Select(e => e.DeepClone()).ToArray();
        if (segments.Length > 0)
        {
            result["segments"] = new JsonArray(segments);
        }

        var logprobs = events.SelectMany(e => (string?)e["type"] == "transcript.text.delta" && e["logprobs"] is JsonArray list ? list : []).Select(item => item?.DeepClone()).ToArray();
        if (logprobs.Length > 0 && !result.ContainsKey("logprobs"))
        {
            result["logprobs"] = new JsonArray(logprobs);
        }

        return result;
    }

    /// <summary>The completed images, and beside them what describes them.</summary>
    private static JsonObject Images(List<JsonObject> events)
    {
        var completed = events.Where(e => ((string)e["type"]!).EndsWith(".completed", StringComparison.Ordinal)).ToList();
        var result = new JsonObject { ["data"] = new JsonArray([.. completed.Select(e => new JsonObject { ["b64_json"] = (string?)e["b64_json"] })]) };
        foreach (var (name, value) in completed[^1].Where(field => field.Key is not ("type" or "b64_json" or "sequence_number" or "partial_image_index")))
        {
            result[name == "created_at" ? "created" : name] = value?.DeepClone();
        }

        return result;
    }

    /// <summary>The run as it was last said, with its steps and messages as they were last said.</summary>
    private static JsonObject Run(List<JsonObject> events)
    {
        var result = events.FindLast(e => (string?)e["object"] == "thread.run")!.DeepClone().AsObject();
        foreach (var (list, type) in new[] { ("steps", "thread.run.step"), ("messages", "thread.message") })
        {
            var said = events.Where(e => (string?)e["object"] == type).ToList();
            var items = said.Select(e => (string)e["id"]!).Distinct().Select(id => said.FindLast(e => (string?)e["id"] == id)!.DeepClone()).ToArray();
            if (items.Length > 0)
            {
                result[list] = new JsonArray(items);
            }
        }

        if (events.FindLast(e => (string?)e["object"] == "thread") is { } thread)
        {
            result["thread"] = thread.DeepClone();
        }

        return result;
    }

    /// <summary>Texts joined, log probabilities in a row, of everything else the last that was said.</summary>
    private static JsonObject Completion(List<JsonObject> chunks)
    {
        var result = new JsonObject();
        foreach (var (name, value) in chunks.SelectMany(chunk => chunk).Where(field => field.Key is not ("choices" or "obfuscation")))
        {
            if (value is not null || !result.ContainsKey(name))
            {
                result[name] = value?.DeepClone();
            }
        }

        var choices = chunks.SelectMany(chunk => chunk["choices"] as JsonArray ?? []).OfType<JsonObject>().GroupBy(choice => (int?)choice["index"] ?? 0).OrderBy(group => group.Key);
        if (chunks.Exists(chunk => chunk.ContainsKey("choices")))
        {
            result["choices"] = new JsonArray([.. choices.Select(group => Choice([.. group]))]);
        }

        return result;
    }

    private static JsonObject Choice(List<JsonObject> pieces)
    {
        var result = new JsonObject();
        foreach (var name in pieces.SelectMany(piece => piece).Select(field => field.Key).Distinct())
        {
            var values = pieces.Select(piece => piece[name]).Where(value => value is not null).Select(value => value!).ToList();
            result[name] = name switch
            {
                "text" or "reasoning_content" or "reasoning" when values.Count > 0 => string.Concat(values.Select(value => (string?)value)),
                "logprobs" when values.TrueForAll(value => value is JsonObject) && values.Count > 0 => Joined([.. values.Cast<JsonObject>()]),
                _ => values.Count > 0 ? values[^1].DeepClone() : null,
            };
        }

        return result;
    }

    private static JsonObject Joined(List<JsonObject> values)
    {
        var result = new JsonObject();
        foreach (var name in values.SelectMany(value => value).Select(field => field.Key).Distinct())
        {
            var lists = values.Select(value => value[name]).Where(value => value is not null).ToList();
            result[name] = lists.Count == 0 ? null
                : lists.TrueForAll(list => list is JsonArray) ? new JsonArray([.. lists.SelectMany(list => list!.AsArray()).Select(item => item?.DeepClone())])
                : lists[^1]!.DeepClone();
        }

        return result;
    }

    private static JsonObject? Parse(string data)
    {
        try
        {
            return JsonNode.Parse(data) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
