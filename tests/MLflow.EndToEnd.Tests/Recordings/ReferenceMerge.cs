using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>
/// What a streamed chat completion should come to, worked out the slow way and independently of the product: gather all values of each field over all
/// chunks, then say what they come to.
/// </summary>
public static partial class ReferenceMerge
{
    private static readonly string[] SaidOnce = ["id", "type", "role", "format"];
    private static readonly string[] MergedObjects = ["function", "custom", "function_call", "audio"];
    private static readonly string[] PartLists = ["content", "summary", "reasoning_details"];

    /// <summary>The chunks of a stream: data of its events that are JSON objects.</summary>
    public static List<JsonObject> Chunks(string eventStream)
    {
        var chunks = new List<JsonObject>();
        var data = new List<string>();
        foreach (var line in LineEnds().Split(eventStream).Append(""))
        {
            if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                data.Add(line["data:".Length..] is ['\u0020', .. var rest] ? rest : line["data:".Length..]);
            }
            else if (line.Length == 0 && data.Count > 0)
            {
                if (TryParse(string.Join('\n', data)) is JsonObject chunk)
                {
                    chunks.Add(chunk);
                }

                data.Clear();
            }
        }

        return chunks;
    }

    /// <summary>The usage that the stream reports last, or null.</summary>
    public static JsonNode? Usage(IEnumerable<JsonObject> chunks) => chunks.Select(chunk => chunk["usage"]).LastOrDefault(usage => usage is not null);

    public static JsonObject Merge(IReadOnlyList<JsonObject> chunks)
    {
        var result = new JsonObject();
        foreach (var (name, values) in Gather(chunks))
        {
            if (name is "choices" or "obfuscation")
            {
                continue;
            }

            result[name] = name == "object" ? "chat.completion" : Last(values.Where(value => !IsNothing(name, value)).DefaultIfEmpty(values.FirstOrDefault(v => v is not null)));
        }

        if (chunks.Any(chunk => chunk["choices"] is JsonArray))
        {
            result["choices"] = Choices(chunks);
        }

        return result;
    }

    private static JsonArray Choices(IEnumerable<JsonObject> chunks)
    {
        var pieces = chunks.SelectMany(chunk => chunk["choices"] is JsonArray choices
            ? choices.OfType<JsonObject>().Select((choice, position) => (Index: (int?)choice["index"] ?? position, Choice: choice))
            : []);
        return new JsonArray([.. pieces.GroupBy(piece => piece.Index, piece => piece.Choice).OrderBy(group => group.Key).Select(group => Choice(group.Key, [.. group]))]);
    }

    private static JsonObject Choice(int index, List<JsonObject> pieces)
    {
        var deltas = pieces.Select(piece => piece["delta"]).OfType<JsonObject>().ToList();
        var message = MergeObjects(deltas);
        var result = new JsonObject
        {
            ["index"] = index,
            ["message"] = message.Count > 0 ? message : Last(pieces.Select(piece => piece["message"])) ?? message,
        };
        foreach (var (name, values) in Gather(pieces))
        {
            switch (name)
            {
                case "index" or "delta" or "message":
                    break;
                case "logprobs":
                    result[name] = Logprobs([.. values.OfType<JsonObject>()]);
                    break;
                case "token_ids":
                    result[name] = values.Any(value => value is not null) ? Flatten(values) : null;
                    break;
                default:
                    result[name] = Last(values);
                    break;
            }
        }

        return result;
    }

    private static JsonObject? Logprobs(List<JsonObject> values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        var result = new JsonObject();
        foreach (var (name, lists) in Gather(values))
        {
            result[name] = lists.Exists(list => list is not null) ? Flatten(lists) : null;
        }

        return result;
    }

    private static JsonObject MergeObjects(IReadOnlyList<JsonObject> pieces, params string[] omitted)
    {
        var result = new JsonObject();
        foreach (var (name, values) in Gather(pieces))
        {
            if (!omitted.Contains(name))
            {
                result[name] = MergeField(name, [.. values.Where(value => value is not null).Select(value => value!)]);
            }
        }

        return result;
    }

    private static JsonNode? MergeField(string name, List<JsonNode> values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        if (name == "tool_calls")
        {
            return ToolCalls(values);
        }

        if (name == "annotations")
        {
            return Flatten(values);
        }

        if (PartLists.Contains(name) && values.Exists(value => value is JsonArray))
        {
            return Parts(name, values);
        }

        if (MergedObjects.Contains(name) && values.TrueForAll(value => value is JsonObject))
        {
            return MergeObjects([.. values.Cast<JsonObject>()]);
        }

        if (values.TrueForAll(IsString))
        {
            var texts = values.ConvertAll(value => (string)value!);
            if (SaidOnce.Contains(name))
            {
                return texts.FindLast(text => text.Length > 0) ?? texts[0];
            }

            return name == "name" ? texts.Aggregate((all, next) => all == next ? all : all + next) : string.Concat(texts);
        }

        return values[^1].DeepClone();
    }

    private static JsonArray ToolCalls(IEnumerable<JsonNode> lists)
    {
        var calls = new List<(int? Index, string Id, List<JsonObject> Pieces)>();
        foreach (var piece in lists.OfType<JsonArray>().SelectMany(list => list).OfType<JsonObject>())
        {
            var index = (int?)piece["index"];
            var id = (string?)piece["id"] ?? "";
            var at = calls.FindLastIndex(call => (index is null || index == call.Index) && (id.Length == 0 || call.Id.Length == 0 || id == call.Id));
            if (at < 0)
            {
                calls.Add((index, id, [piece]));
            }
            else
            {
                calls[at].Pieces.Add(piece);
                calls[at] = calls[at] with { Id = calls[at].Id.Length == 0 ? id : calls[at].Id };
            }
        }

        return new JsonArray([.. calls.Select(call => MergeObjects(call.Pieces, "index"))]);
    }

    private static JsonNode Parts(string name, List<JsonNode> values)
    {
        var parts = values.SelectMany(value => value is JsonArray list
            ? list.OfType<JsonObject>()
            : [new JsonObject { ["type"] = "text", ["text"] = (string)value! }]).ToList();
        if (name == "content" && parts.TrueForAll(part => (string?)part["type"] == "text" && part.All(field => field.Key is "type" or "text")))
        {
            return string.Concat(parts.Select(part => (string?)part["text"]));
        }

        var merged = new List<(string? Index, string? Type, List<JsonObject> Pieces)>();
        foreach (var part in parts)
        {
            var index = part["index"]?.ToJsonString();
            var type = (string?)part["type"];
            var at = index is null
                ? (merged.Count > 0 && merged[^1].Type == type ? merged.Count - 1 : -1)
                : merged.FindIndex(m => m.Index == index && m.Type == type);
            if (at < 0)
            {
                merged.Add((index, type, [part]));
            }
            else
            {
                merged[at].Pieces.Add(part);
            }
        }

        return new JsonArray([.. merged.Select(m => MergeObjects(m.Pieces))]);
    }

    private static List<(string Name, List<JsonNode?> Values)> Gather(IEnumerable<JsonObject> objects)
    {
        var fields = new List<(string Name, List<JsonNode?> Values)>();
        foreach (var (name, value) in objects.SelectMany(o => o))
        {
            var at = fields.FindIndex(field => field.Name == name);
            if (at < 0)
            {
                fields.Add((name, [value]));
            }
            else
            {
                fields[at].Values.Add(value);
            }
        }

        return fields;
    }

    private static bool IsNothing(string name, JsonNode? value) =>
        value is null || (IsString(value) && ((string)value!).Length == 0) || (name == "created" && value.ToJsonString() == "0");

    private static bool IsString(JsonNode value) => value.GetValueKind() == JsonValueKind.String;

    private static JsonNode? Last(IEnumerable<JsonNode?> values) => values.LastOrDefault(value => value is not null)?.DeepClone();

    private static JsonArray Flatten(IEnumerable<JsonNode?> lists) =>
        new([.. lists.OfType<JsonArray>().SelectMany(list => list).Select(item => item?.DeepClone())]);

    private static JsonNode? TryParse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [GeneratedRegex("\r\n|\n|\r")]
    private static partial Regex LineEnds();
}
