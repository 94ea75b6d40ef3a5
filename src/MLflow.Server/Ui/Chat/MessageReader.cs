using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Chat;

/// <summary>Messages out of the JSON of Chat Completions, Completions and Responses. What it does not know becomes a JSON part.</summary>
public static class MessageReader
{
    // Of these a part may still be of an unusual shape.
    private static readonly string[] Known = ["text", "input_text", "output_text", "summary_text", "image_url", "input_image", "image", "blob", "uri", "refusal", "thinking", "reasoning"];

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
            case "function_call" or "custom_tool_call":
                return new ChatMessage { Role = "assistant", Calls = [Call(message.Text("call_id"), message)], IsOutput = isOutput, Source = message };
            case "function_call_output" or "custom_tool_call_output" or "computer_call_output" or "local_shell_call_output":
                return new ChatMessage
                {
                    Role = "tool",
                    AnswersCallId = message.Text("call_id") ?? message.Text("id"),
                    Parts = Parts(message.Member("output")),
                    IsOutput = isOutput,
                    Source = message,
                };
            case "reasoning":
                var summary = string.Join("\n\n", message.Member("summary").Items().Concat(message.Member("content").Items()).Select(part => part.Text("text")).Where(text => text is not null));
                return new ChatMessage
                {
                    Role = "assistant",
                    Parts = [new(ChatPartKind.Reasoning, summary.Length > 0 ? summary : T("Reasoning that the provider does not show."))],
                    IsOutput = isOutput,
                    Source = message,
                };
            case not (null or "message") when message.Member("content").ValueKind == JsonValueKind.Undefined:
                var type = message.Text("type")!;
                return new ChatMessage
                {
                    Role = message.Text("role") ?? "assistant",
                    Parts = BuiltInTools.Parts(type, message) ?? [Unknown(type, message)],
                    IsOutput = isOutput,
                    Source = message,
                };
        }

        var parts = new List<ChatPart>();
        if ((message.Text("reasoning_content") ?? message.Text("reasoning")) is { Length: > 0 } reasoning)
        {
            parts.Add(new ChatPart(ChatPartKind.Reasoning, reasoning));
        }

        // Chat Completions and Responses have content, OpenTelemetry's gen_ai has parts.
        var content = message.Member("content") is { ValueKind: not JsonValueKind.Undefined } given ? given : message.Member("parts");
        parts.AddRange(Parts(content));
        parts.AddRange(Citations(message.Member("annotations")));
        if (message.Text("refusal") is { Length: > 0 } refusal)
        {
            parts.Add(new ChatPart(ChatPartKind.Refusal, refusal));
        }

        if (message.Member("audio") is { ValueKind: JsonValueKind.Object } audio)
        {
            parts.Add(MediaParts.Audio(audio.Text("data"), audio.Text("format"), audio.Text("transcript")));
        }

        var calls = message.Member("tool_calls").Items().Select(call => Call(call.Text("id"), call.Member("function"), call)).ToList();
        if (message.Member("function_call") is { ValueKind: JsonValueKind.Object } old)
        {
            calls.Add(Call(null, old));
        }

        var items = content.Items().ToList();
        calls.AddRange(items.Where(item => item.Text("type") is "tool_call" or "tool_use").Select(item => Call(item.Text("id"), item)));
        var answer = items.FirstOrDefault(item => item.Text("type") is "tool_call_response" or "tool_result");

        return new ChatMessage
        {
            Role = message.Text("role") ?? (isOutput ? "assistant" : "message"),
            Name = message.Text("name"),
            AnswersCallId = message.Text("tool_call_id") ?? answer.Text("id") ?? answer.Text("tool_use_id"),
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
            ?? (Inline(function) is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } inline ? inline.GetRawText() : "");
        var parsed = TolerantJson.Parse(arguments);
        return new ToolCall
        {
            Id = id,
            Name = function.Text("name") ?? "unnamed",
            Arguments = arguments,
            Parsed = parsed.ValueKind == JsonValueKind.Object ? parsed : default,
        };
    }

    private static JsonElement Inline(JsonElement function) => function.Member("arguments") is { ValueKind: not JsonValueKind.Undefined } arguments ? arguments : function.Member("input");

    private static List<ChatPart> Parts(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString() is { Length: > 0 } text ? [new ChatPart(ChatPartKind.Text, text)] : [],
        JsonValueKind.Array => [.. content.EnumerateArray().SelectMany(PartAndCitations)],
        JsonValueKind.Undefined or JsonValueKind.Null => [],
        _ => [new ChatPart(ChatPartKind.Json, content.GetRawText())],
    };

    private static IEnumerable<ChatPart> PartAndCitations(JsonElement part) => part.Text("type") switch
    {
        // These are calls, not content.
        "tool_call" or "tool_use" => [],
        "tool_call_response" => Parts(part.Member("response") is { ValueKind: not JsonValueKind.Undefined } response ? response : part.Member("result")),
        "tool_result" => Parts(part.Member("content")),
        _ => [Part(part), .. Citations(part.Member("annotations"))],
    };

    private static ChatPart Part(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            return new ChatPart(ChatPartKind.Text, part.GetString()!);
        }

        var file = part.Member("file") is { ValueKind: JsonValueKind.Object } inner ? inner : part;
        var source = part.Member("source");
        return part.Text("type") switch
        {
            "text" or "input_text" or "output_text" or "summary_text" when (part.Text("text") ?? part.Text("content")) is { } text && Members(part) <= 1 => new ChatPart(ChatPartKind.Text, text),
            "image_url" when (part.Member("image_url").Text("url") ?? part.Text("image_url")) is { } url => MediaParts.Image(url),
            "input_image" when part.Text("image_url") is { } url => MediaParts.Image(url),
            "input_image" when part.Text("file_id") is { } id => new ChatPart(ChatPartKind.File, id),
            "image" when source.Text("data") is { } data => MediaParts.ImageData(source.Text("media_type"), data),
            "image" when source.Text("url") is { } url => MediaParts.Image(url),
            "blob" when part.Text("content") is { } data && part.Text("mime_type")?.StartsWith("image/", StringComparison.Ordinal) == true => MediaParts.ImageData(part.Text("mime_type"), data),
            "uri" when part.Text("uri") is { } url => new ChatPart(ChatPartKind.RemoteImage, url),
            "refusal" when part.Text("refusal") is { } refusal => new ChatPart(ChatPartKind.Refusal, refusal),
            "thinking" or "reasoning" when (part.Text("thinking") ?? part.Text("content") ?? part.Text("text")) is { } thought => new ChatPart(ChatPartKind.Reasoning, thought),
            "redacted_thinking" => new ChatPart(ChatPartKind.Reasoning, T("Reasoning that the provider does not show.")),
            "input_audio" => MediaParts.Audio((part.Member("input_audio") is { ValueKind: JsonValueKind.Object } audio ? audio : part).Text("data"), (part.Member("input_audio") is { ValueKind: JsonValueKind.Object } sound ? sound : part).Text("format"), null),
            "output_audio" => MediaParts.Audio(part.Text("data"), part.Text("format"), part.Text("transcript")),
            "file" or "input_file" => MediaParts.File(file),
            { } type when !Known.Contains(type) => Unknown(type, part),
            _ => new ChatPart(ChatPartKind.Json, part.GetRawText()),
        };
    }

    private static IEnumerable<ChatPart> Citations(JsonElement annotations)
    {
        foreach (var annotation in annotations.Items())
        {
            // Chat Completions nests, Responses does not.
            var citation = annotation.Member(annotation.Text("type") ?? "") is { ValueKind: JsonValueKind.Object } nested ? nested : annotation;
            var url = citation.Text("url");
            if ((citation.Text("title") ?? url ?? citation.Text("filename") ?? citation.Text("file_id")) is { Length: > 0 } title)
            {
                yield return new ChatPart(ChatPartKind.Citation, title) { Url = Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? url : null };
            }
        }
    }

    private static ChatPart Unknown(string type, JsonElement item) => new(ChatPartKind.Unknown, item.GetRawText()) { Name = type };

    private static int Members(JsonElement part) => part.EnumerateObject().Count(member => !Ignored.Contains(member.Name) && member.Value.IsPresent());
}
