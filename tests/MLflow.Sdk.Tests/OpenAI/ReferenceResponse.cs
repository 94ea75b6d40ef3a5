using System.Text.Json.Nodes;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>
/// What the events of a response come to before its last one, worked out the slow way and independently of the product: an item that is done is as it was
/// done; of another, each text is what all of its deltas say one after the other, unless the whole text came.
/// </summary>
internal static class ReferenceResponse
{
    private static readonly Dictionary<string, string> Texts = new()
    {
        ["output_text"] = "content/#content_index/text",
        ["refusal"] = "content/#content_index/refusal",
        ["reasoning_text"] = "content/#content_index/text",
        ["reasoning_summary_text"] = "summary/#summary_index/text",
        ["function_call_arguments"] = "arguments",
        ["mcp_call_arguments"] = "arguments",
        ["custom_tool_call_input"] = "input",
        ["code_interpreter_call_code"] = "code",
        ["apply_patch_call_operation_diff"] = "operation/diff",
        ["shell_call_command"] = "action/commands/#command_index",
    };

    public static JsonArray Output(IReadOnlyList<JsonObject> events)
    {
        var items = events.Where(e => e["output_index"] is not null).Select(e => (int)e["output_index"]!).Distinct().Order();
        return new JsonArray([.. items.Select(index => Item([.. events.Where(e => (int?)e["output_index"] == index)]))]);
    }

    private static JsonNode Item(List<JsonObject> events)
    {
        if (events.LastOrDefault(e => TypeOf(e) == "output_item.done") is { } done)
        {
            return done["item"]!.DeepClone();
        }

        var item = events.First(e => TypeOf(e) == "output_item.added")["item"]!.DeepClone();
        events = [.. events.Select(e => e.DeepClone().AsObject())];
        var parts = events.Select(e => (int?)e["content_index"]).Where(i => i is not null).Distinct().Order().ToList();
        foreach (var e in events.Where(e => e["content_index"] is not null))
        {
            // One server begins to count at 1.
            e["content_index"] = parts.IndexOf((int)e["content_index"]!);
        }

        foreach (var e in events)
        {
            var type = TypeOf(e);
            var kind = type[..type.LastIndexOf('.')];
            var list = kind == "reasoning_summary_part" ? "summary/#summary_index" : "content/#content_index";
            if (kind.EndsWith("_part", StringComparison.Ordinal))
            {
                Set(item, Path(list, e), e["part"]!.DeepClone());
            }
            else if (Texts.TryGetValue(kind, out var place))
            {
                var path = Path(place, e);
                var name = place.Split('/')[^1];
                var whole = e[name.StartsWith('#') ? "command" : name];
                Set(item, path, type.EndsWith(".delta", StringComparison.Ordinal) ? (string?)Get(item, path) + (string)e["delta"]! : whole!.DeepClone());
                var logprobs = (e["logprobs"] as JsonArray)?.Select(l => l!.DeepClone()).ToArray() ?? [];
                if (logprobs.Length > 0)
                {
                    var before = type.EndsWith(".delta", StringComparison.Ordinal) ? (Get(item, [.. path[..^1], "logprobs"]) as JsonArray)?.Select(l => l!.DeepClone()) ?? [] : [];
                    Set(item, [.. path[..^1], "logprobs"], new JsonArray([.. before, .. logprobs]));
                }
            }
            else if (type == "output_text.annotation.added")
            {
                Set(item, Path("content/#content_index/annotations/#annotation_index", e), e["annotation"]!.DeepClone());
            }
            else if (type == "shell_call_output_content.delta")
            {
                foreach (var (name, text) in e["delta"]!.AsObject())
                {
                    Set(item, Path("output/#command_index/" + name, e), (string?)Get(item, Path("output/#command_index/" + name, e)) + (string)text!);
                }
            }
            else if (type == "shell_call_output_content.done")
            {
                Set(item, ["output"], e["output"]!.DeepClone());
            }
            else if (type == "image_generation_call.partial_image")
            {
                item["result"] = e["partial_image_b64"]!.DeepClone();
                foreach (var name in new[] { "size", "quality", "background", "output_format" }.Where(name => e[name] is not null))
                {
                    item[name] = e[name]!.DeepClone();
                }
            }
            else if (kind.EndsWith("_call", StringComparison.Ordinal))
            {
                item["status"] = type[(kind.Length + 1)..];
            }
        }

        return item;
    }

    private static string TypeOf(JsonObject e) => ((string)e["type"]!)["response.".Length..];

    private static string[] Path(string place, JsonObject e) =>
        [.. place.Split('/').Select(part => part.StartsWith('#') ? "#" + (int)e[part[1..]]! : part)];

    private static JsonNode? Get(JsonNode? node, string[] path)
    {
        foreach (var part in path)
        {
            node = part.StartsWith('#') ? (node as JsonArray)?.ElementAtOrDefault(int.Parse(part[1..], null)) : (node as JsonObject)?[part];
        }

        return node;
    }

    private static void Set(JsonNode item, string[] path, JsonNode value)
    {
        var node = item;
        for (var i = 0; i < path.Length; i++)
        {
            JsonNode next = i + 1 == path.Length ? value : path[i + 1].StartsWith('#') ? new JsonArray() : new JsonObject();
            if (path[i].StartsWith('#'))
            {
                var array = node.AsArray();
                var index = int.Parse(path[i][1..], null);
                if (index == array.Count)
                {
                    array.Add(next);
                }
                else if (i + 1 == path.Length)
                {
                    array[index] = next;
                }

                node = array[index]!;
            }
            else
            {
                if (i + 1 == path.Length || node[path[i]] is null)
                {
                    node[path[i]] = next;
                }

                node = node[path[i]]!;
            }
        }
    }
}
