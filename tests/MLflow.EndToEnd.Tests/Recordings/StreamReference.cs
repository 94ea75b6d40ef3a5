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
            "createTranscription" => Transcription([.. chunks.Select(chunk => chunk.Data)]),
            "createSpeech" => Speech([.. chunks.Select(chunk => chunk.Data)]),
            "createRun" or "createThreadAndRun" or "submitToolOuputsToRun" => Run([.. chunks.Select(chunk => chunk.Data)]),
            _ => new JsonArray([.. chunks.Select(chunk => chunk.Data.DeepClone())]),
        };
    }

    /// <summary>What the last event says, with the segments and the log probabilities that came before it.</summary>
    private static JsonObject Transcription(List<JsonObject> events)
    {
        var result = events.Single(e => (string?)e["type"] == "transcript.text.done").DeepClone().AsObject();
        result.Remove("type");
        var segments = events.Where(e => (string?)e["type"] == "transcript.text.segment").Select(e => e.DeepClone()).ToArray();
        if (segments.Length > 0)
        {
            result["segments"] = new JsonArray(segments);
        }

        return result;
    }

    private static JsonObject Speech(List<JsonObject> events)
    {
        var audio = events.Where(e => e["audio"] is not null).SelectMany(e => Convert.FromBase64String((string)e["audio"]!)).ToArray();
        var result = MediaReference.Content(audio, "audio/mpeg");
        result["usage"] = events[^1]["usage"]?.DeepClone();
        return result;
    }

    /// <summary>The run, its steps and its messages as they were last said.</summary>
    private static JsonObject Run(List<JsonObject> events)
    {
        var result = events.Last(e => (string?)e["object"] == "thread.run").DeepClone().AsObject();
        foreach (var (name, kind) in (IEnumerable<(string, string)>)[("steps", "thread.run.step"), ("messages", "thread.message")])
        {
            var items = events.Where(e => (string?)e["object"] == kind).GroupBy(e => (string?)e["id"]).Select(group => group.Last().DeepClone()).ToArray();
            if (items.Length > 0)
            {
                result[name] = new JsonArray(items);
            }
        }

        return result;
    }

    /// <summary>The response that the last event carries; where none ended the stream, the last one that came, with the items that are done.</summary>
    private static JsonObject? Response(List<JsonObject> events)
    {
        var end = events.FindLast(e => ResponseEnds.Contains((string?)e["type"]));
        var response = (end ?? events.FindLast(e => e["response"] is JsonObject))?["response"]?.DeepClone().AsObject();
        var items = events.Where(e => (string?)e["type"] == "response.output_item.done").Select(e => e["item"]!.DeepClone()).ToArray();
        if (response?["output"] is JsonArray { Count: 0 } && items.Length > 0)
        {
            response["output"] = new JsonArray(items);
        }

        return response;
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
