using System.Text.Json;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Chat;

/// <summary>Messages out of the JSON of Chat Completions, Completions and Responses. What it does not know becomes a JSON part.</summary>
public static class MessageReader
{
    private static readonly string[] Ignored = ["type", "annotations", "logprobs", "status", "id"];

    /// <summary>What the model was sent; null when the inputs are no conversation.</summary>
    public static IReadOnlyList<ChatMessage>? Inputs(JsonElement inputs)
    {
        var list = inputs.ValueKind == JsonValueKind.Array ? inputs : inputs.Member("messages");
        if (list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object))
        {
            return [.. list.EnumerateArray().Select(item => Message(item, isOutput: false))];
        }

        var input = inputs.Member("input");
        if (input.ValueKind == JsonValueKind.Array && input.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object))
        {
            return [.. Instructions(inputs), .. input.EnumerateArray().Select(item => Message(item, isOutput: false))];
        }

        var prompt = inputs.ValueKind == JsonValueKind.String ? inputs : input.ValueKind == JsonValueKind.String ? input : inputs.Member("prompt");
        return prompt.ValueKind == JsonValueKind.String
            ? [.. Instructions(inputs), new ChatMessage { Role = "user", Parts = [new(ChatPartKind.Text, prompt.GetString()!)], Source = prompt }]
            : null;
    }

    /// <summary>What the model said; null when the outputs are no conversation.</summary>
    public static IReadOnlyList<ChatMessage>? Outputs(JsonElement outputs)
    {
        if (outputs.ValueKind == JsonValueKind.String)
        {
            return [new ChatMessage { Role = "assistant", Parts = [new(ChatPartKind.Text, outputs.GetString()!)], IsOutput = true, Source = outputs }];
        }

        var choices = outputs.Member("choices");
        if (choices.ValueKind == JsonValueKind.Array)
        {
            var several = choices.GetArrayLength() > 1;
            return [.. choices.EnumerateArray().Select((choice, i) => Choice(choice, several ? i : null))];
        }

        var items = outputs.Member("output");
        return items.ValueKind == JsonValueKind.Array
            ? [.. items.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object).Select(item => Message(item, isOutput: true))]
            : outputs.Text("role") is not null ? [Message(outputs, isOutput: true)] : null;
    }

    private static IEnumerable<ChatMessage> Instructions(JsonElement inputs) =>
        inputs.Member("instructions") is { ValueKind: JsonValueKind.String } text
            ? [new ChatMessage { Role = "system", Parts = [new(ChatPartKind.Text, text.GetString()!)], Source = text }]
            : [];

    private static ChatMessage Choice(JsonElement choice, int? index)
    {
        var inner = choice.Member("message");
        var message = inner.ValueKind == JsonValueKind.Object
            ? Message(inner, isOutput: true)
            : new ChatMessage
            {
                Role = "assistant",
                Parts = choice.Text("text") is { } text ? [new(ChatPartKind.Text, text)] : [new(ChatPartKind.Json, choice.GetRawText())],
                IsOutput = true,
                Source = choice,
            };
        return message with { Choice = index, FinishReason = choice.Text("finish_reason") };
    }

    private static ChatMessage Message(JsonElement message, bool isOutput)
    {
        switch (message.Text("type"))
        {
            case "function_call":
                return new ChatMessage { Role = "assistant", Calls = [Call(message.Text("call_id"), message)], IsOutput = isOutput, Source = message };
            case "function_call_output":
                return new ChatMessage
                {
                    Role = "tool",
                    AnswersCallId = message.Text("call_id"),
                    Parts = Parts(message.Member("output")),
                    IsOutput = isOutput,
                    Source = message,
                };
            case "reasoning":
                var summary = string.Join("\n\n", message.Member("summary").Items().Select(part => part.Text("text")).Where(text => text is not null));
                return new ChatMessage
                {
                    Role = "assistant",
                    Parts = [new(ChatPartKind.Reasoning, summary.Length > 0 ? summary : "Reasoning that the provider does not show.")],
                    IsOutput = isOutput,
                    Source = message,
                };
            case not (null or "message"):
                return new ChatMessage { Role = message.Text("role") ?? message.Text("type")!, Parts = [new(ChatPartKind.Json, message.GetRawText())], IsOutput = isOutput, Source = message };
        }

        var parts = new List<ChatPart>();
        if ((message.Text("reasoning_content") ?? message.Text("reasoning")) is { Length: > 0 } reasoning)
        {
            parts.Add(new ChatPart(ChatPartKind.Reasoning, reasoning));
        }

        parts.AddRange(Parts(message.Member("content")));
        if (message.Text("refusal") is { Length: > 0 } refusal)
        {
            parts.Add(new ChatPart(ChatPartKind.Refusal, refusal));
        }

        if (message.Member("audio") is { ValueKind: JsonValueKind.Object } audio)
        {
            parts.Add(new ChatPart(ChatPartKind.Audio, audio.Text("transcript") ?? "Audio, not played here."));
        }

        var calls = message.Member("tool_calls").Items().Select(call => Call(call.Text("id"), call.Member("function"), call)).ToList();
        if (message.Member("function_call") is { ValueKind: JsonValueKind.Object } old)
        {
            calls.Add(Call(null, old));
        }

        return new ChatMessage
        {
            Role = message.Text("role") ?? (isOutput ? "assistant" : "message"),
            Name = message.Text("name"),
            AnswersCallId = message.Text("tool_call_id"),
            Parts = parts,
            Calls = calls,
            IsOutput = isOutput,
            Source = message,
        };
    }

    private static ToolCall Call(string? id, JsonElement function, JsonElement whole = default)
    {
        if (function.ValueKind != JsonValueKind.Object)
        {
            function = whole.Member(whole.Text("type") ?? "custom");
        }

        var arguments = function.Text("arguments") ?? function.Text("input")
            ?? (function.Member("arguments") is { ValueKind: JsonValueKind.Object } inline ? inline.GetRawText() : "");
        var parsed = TolerantJson.Parse(arguments);
        return new ToolCall
        {
            Id = id,
            Name = function.Text("name") ?? "unnamed",
            Arguments = arguments,
            Parsed = parsed.ValueKind == JsonValueKind.Object ? parsed : default,
        };
    }

    private static List<ChatPart> Parts(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString() is { Length: > 0 } text ? [new ChatPart(ChatPartKind.Text, text)] : [],
        JsonValueKind.Array => [.. content.EnumerateArray().Select(Part)],
        JsonValueKind.Undefined or JsonValueKind.Null => [],
        _ => [new ChatPart(ChatPartKind.Json, content.GetRawText())],
    };

    private static ChatPart Part(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            return new ChatPart(ChatPartKind.Text, part.GetString()!);
        }

        var file = part.Member("file") is { ValueKind: JsonValueKind.Object } inner ? inner : part;
        return part.Text("type") switch
        {
            "text" or "input_text" or "output_text" when part.Text("text") is { } text && Members(part) <= 1 => new ChatPart(ChatPartKind.Text, text),
            "image_url" when (part.Member("image_url").Text("url") ?? part.Text("image_url")) is { } url => Image(url),
            "input_image" when part.Text("image_url") is { } url => Image(url),
            "refusal" when part.Text("refusal") is { } refusal => new ChatPart(ChatPartKind.Refusal, refusal),
            "input_audio" => new ChatPart(ChatPartKind.Audio, $"Audio, {part.Member("input_audio").Text("format") ?? "format not given"}, not played here."),
            "file" or "input_file" => new ChatPart(ChatPartKind.File, file.Text("filename") ?? file.Text("file_id") ?? "File without a name"),
            _ => new ChatPart(ChatPartKind.Json, part.GetRawText()),
        };
    }

    private static int Members(JsonElement part) => part.EnumerateObject().Count(member => !Ignored.Contains(member.Name) && member.Value.IsPresent());

    private static ChatPart Image(string url) =>
        url.StartsWith("data:image/", StringComparison.OrdinalIgnoreCase) && !url.StartsWith("data:image/svg", StringComparison.OrdinalIgnoreCase)
            ? new ChatPart(ChatPartKind.Image, url)
            : new ChatPart(ChatPartKind.RemoteImage, url);
}
