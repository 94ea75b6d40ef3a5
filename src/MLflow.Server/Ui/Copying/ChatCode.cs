using System.Globalization;
using System.Text;
using System.Text.Json;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Copying;

/// <summary>A request of Chat Completions as C#.</summary>
internal static class ChatCode
{
    private static readonly string[] Typed = ["model", "messages", "tools", "temperature", "top_p", "max_tokens", "max_completion_tokens", "response_format", "stream", "stream_options", "seed", "user", "n"];

    /// <summary>Whether all that matters of a request has a type in the packages.</summary>
    public static bool CanType(JsonElement body) =>
        body.Members().All(member => Typed.Contains(member.Name) || !member.Value.IsPresent())
        && (body.Number("n") ?? 1) == 1
        && body.Member("messages").Items().All(CanTypeMessage)
        && body.Member("tools").Items().All(tool => tool.Text("type") == "function" && tool.Member("function").Text("name") is not null)
        && body.Member("response_format").Text("type") is null or "text" or "json_object" or "json_schema";

    public static string OpenAI(JsonElement body, string model, string? endpoint, bool isStreamed)
    {
        var code = new StringBuilder("using System.ClientModel;\nusing OpenAI;\nusing OpenAI.Chat;\n\n");
        code.Append(CultureInfo.InvariantCulture, $"var client = new ChatClient({CodeText.Literal(model)}, new ApiKeyCredential(Environment.GetEnvironmentVariable(\"OPENAI_API_KEY\")!){Options(endpoint)});\n");
        code.Append("List<ChatMessage> messages =\n[\n");
        foreach (var message in body.Member("messages").Items())
        {
            code.Append("    ").Append(OpenAIMessage(message)).Append(",\n");
        }

        code.Append("];\nvar options = new ChatCompletionOptions\n{\n");
        Parameter(code, "Temperature", body.Member("temperature"), "f");
        Parameter(code, "TopP", body.Member("top_p"), "f");
        Parameter(code, "MaxOutputTokenCount", body.Member("max_completion_tokens") is { ValueKind: JsonValueKind.Number } most ? most : body.Member("max_tokens"), "");
        if (body.Text("user") is { } user)
        {
            code.Append(CultureInfo.InvariantCulture, $"    EndUserId = {CodeText.Literal(user)},\n");
        }

        foreach (var format in Formats(body, "ChatResponseFormat.CreateJsonSchemaFormat({0}, BinaryData.FromString({1}), jsonSchemaIsStrict: {2})", "ChatResponseFormat.CreateJsonObjectFormat()"))
        {
            code.Append(CultureInfo.InvariantCulture, $"    ResponseFormat = {format},\n");
        }

        code.Append("};\n");
        foreach (var function in body.Member("tools").Items().Select(tool => tool.Member("function")))
        {
            var strict = function.Member("strict").ValueKind == JsonValueKind.True ? ", functionSchemaIsStrict: true" : "";
            var parameters = function.Member("parameters").ValueKind == JsonValueKind.Object ? $", BinaryData.FromString({CodeText.Json(function.Member("parameters"))})" : "";
            code.Append(CultureInfo.InvariantCulture, $"options.Tools.Add(ChatTool.CreateFunctionTool({CodeText.Literal(function.Text("name")!)}, {CodeText.Literal(function.Text("description") ?? "")}{parameters}{strict}));\n");
        }

        return code.Append(isStreamed
            ? "\nawait foreach (var update in client.CompleteChatStreamingAsync(messages, options))\n{\n    foreach (var part in update.ContentUpdate)\n    {\n        Console.Write(part.Text);\n    }\n}"
            : "\nChatCompletion answer = await client.CompleteChatAsync(messages, options);\nConsole.WriteLine(answer.Content.Count > 0 ? answer.Content[0].Text : answer.FinishReason);").ToString();
    }

    public static string ExtensionsAI(JsonElement body, string model, string? endpoint, bool isStreamed)
    {
        var code = new StringBuilder("using System.ClientModel;\nusing System.Text.Json;\nusing Microsoft.Extensions.AI;\nusing OpenAI;\n\n");
        code.Append(CultureInfo.InvariantCulture, $"IChatClient client = new OpenAI.Chat.ChatClient({CodeText.Literal(model)}, new ApiKeyCredential(Environment.GetEnvironmentVariable(\"OPENAI_API_KEY\")!){Options(endpoint)}).AsIChatClient();\n");
        code.Append("List<ChatMessage> messages =\n[\n");
        foreach (var message in body.Member("messages").Items())
        {
            code.Append("    ").Append(ExtensionsMessage(message)).Append(",\n");
        }

        code.Append("];\nvar options = new ChatOptions\n{\n");
        Parameter(code, "Temperature", body.Member("temperature"), "f");
        Parameter(code, "TopP", body.Member("top_p"), "f");
        Parameter(code, "Seed", body.Member("seed"), "");
        Parameter(code, "MaxOutputTokens", body.Member("max_completion_tokens") is { ValueKind: JsonValueKind.Number } most ? most : body.Member("max_tokens"), "");
        foreach (var format in Formats(body, "ChatResponseFormat.ForJsonSchema(JsonElement.Parse({1}), {0})", "ChatResponseFormat.Json"))
        {
            code.Append(CultureInfo.InvariantCulture, $"    ResponseFormat = {format},\n");
        }

        var tools = body.Member("tools").Items().Select(tool => tool.Member("function")).ToList();
        if (tools.Count > 0)
        {
            code.Append("    Tools =\n    [\n");
            foreach (var function in tools)
            {
                var parameters = function.Member("parameters").ValueKind == JsonValueKind.Object ? CodeText.Json(function.Member("parameters")) : "\"{}\"";
                code.Append(CultureInfo.InvariantCulture, $"        AIFunctionFactory.CreateDeclaration({CodeText.Literal(function.Text("name")!)}, {CodeText.Literal(function.Text("description") ?? "")}, JsonElement.Parse({parameters})),\n");
            }

            code.Append("    ],\n");
        }

        return code.Append("};\n").Append(isStreamed
            ? "\nawait foreach (var update in client.GetStreamingResponseAsync(messages, options))\n{\n    Console.Write(update.Text);\n}"
            : "\nConsole.WriteLine((await client.GetResponseAsync(messages, options)).Text);").ToString();
    }

    private static bool CanTypeMessage(JsonElement message) =>
        message.Text("role") is "system" or "developer" or "user" or "assistant" or "tool"
        && (message.Text("role") != "tool" || message.Text("tool_call_id") is not null)
        && message.Member("tool_calls").Items().All(call => call.Text("id") is not null && call.Member("function").Text("name") is not null)
        && message.Member("content") switch
        {
            { ValueKind: JsonValueKind.Array } parts => parts.EnumerateArray().All(part => (part.Text("type") == "text" && part.Text("text") is not null) || (part.Text("type") == "image_url" && IsUrl(part.Member("image_url").Text("url")))),
            { ValueKind: JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Undefined } => true,
            _ => false,
        };

    private static bool IsUrl(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var address) && (address.Scheme is "http" or "https" || IsPicture(url!));

    private static bool IsPicture(string url) => url.StartsWith("data:image/", StringComparison.Ordinal) && url.Contains(";base64,", StringComparison.Ordinal);

    private static string OpenAIMessage(JsonElement message)
    {
        var calls = string.Join(", ", message.Member("tool_calls").Items().Select(call =>
            $"ChatToolCall.CreateFunctionToolCall({CodeText.Literal(call.Text("id")!)}, {CodeText.Literal(call.Member("function").Text("name")!)}, BinaryData.FromString({CodeText.Literal(call.Member("function").Text("arguments") ?? "{}")}))"));
        return message.Text("role") switch
        {
            "system" => $"new SystemChatMessage({Content(message, OpenAIPart)})",
            "developer" => $"new DeveloperChatMessage({Content(message, OpenAIPart)})",
            "tool" => $"new ToolChatMessage({CodeText.Literal(message.Text("tool_call_id")!)}, {Content(message, OpenAIPart)})",
            "assistant" when calls.Length > 0 => $"new AssistantChatMessage([{calls}])",
            "assistant" => $"new AssistantChatMessage({Content(message, OpenAIPart)})",
            _ => $"new UserChatMessage({Content(message, OpenAIPart)})",
        };
    }

    private static string OpenAIPart(JsonElement part)
    {
        if (part.Text("text") is { } text)
        {
            return $"ChatMessageContentPart.CreateTextPart({CodeText.Literal(text)})";
        }

        var url = part.Member("image_url").Text("url")!;
        return IsPicture(url)
            ? $"ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Convert.FromBase64String({CodeText.Literal(url[(url.IndexOf(',', StringComparison.Ordinal) + 1)..])})), {CodeText.Literal(url[5..url.IndexOf(';', StringComparison.Ordinal)])})"
            : $"ChatMessageContentPart.CreateImagePart(new Uri({CodeText.Literal(url)}))";
    }

    private static string ExtensionsMessage(JsonElement message)
    {
        var role = message.Text("role") switch { "system" or "developer" => "System", "assistant" => "Assistant", "tool" => "Tool", _ => "User" };
        if (role == "Tool")
        {
            return $"new(ChatRole.Tool, [new FunctionResultContent({CodeText.Literal(message.Text("tool_call_id")!)}, {CodeText.Literal(PreviewText.Content(message.Member("content")) ?? "")})])";
        }

        var calls = message.Member("tool_calls").Items().Select(call =>
            $"new FunctionCallContent({CodeText.Literal(call.Text("id")!)}, {CodeText.Literal(call.Member("function").Text("name")!)}, JsonSerializer.Deserialize<Dictionary<string, object?>>({CodeText.Literal(call.Member("function").Text("arguments") is { Length: > 0 } arguments ? arguments : "{}")}))").ToList();
        return calls.Count > 0 ? $"new(ChatRole.{role}, [{string.Join(", ", calls)}])" : $"new(ChatRole.{role}, {Content(message, ExtensionsPart)})";
    }

    private static string ExtensionsPart(JsonElement part) => part.Text("text") is { } text
        ? $"new TextContent({CodeText.Literal(text)})"
        : part.Member("image_url").Text("url")! is var url && IsPicture(url) ? $"new DataContent({CodeText.Literal(url)})"
        : $"new UriContent({CodeText.Literal(url)}, \"image/*\")";

    private static string Content(JsonElement message, Func<JsonElement, string> part) => message.Member("content") switch
    {
        { ValueKind: JsonValueKind.Array } parts => $"[{string.Join(", ", parts.EnumerateArray().Select(part))}]",
        { ValueKind: JsonValueKind.String } text => CodeText.Literal(text.GetString()!),
        _ => "\"\"",
    };

    private static IEnumerable<string> Formats(JsonElement body, string schema, string json)
    {
        var format = body.Member("response_format");
        if (format.Text("type") == "json_object")
        {
            yield return json;
        }
        else if (format.Member("json_schema") is { ValueKind: JsonValueKind.Object } given && given.Member("schema").ValueKind == JsonValueKind.Object)
        {
            yield return string.Format(CultureInfo.InvariantCulture, schema, CodeText.Literal(given.Text("name") ?? "answer"), CodeText.Json(given.Member("schema")), given.Member("strict").ValueKind == JsonValueKind.True ? "true" : "false");
        }
    }

    private static void Parameter(StringBuilder code, string name, JsonElement value, string suffix)
    {
        if (value.ValueKind == JsonValueKind.Number)
        {
            code.Append(CultureInfo.InvariantCulture, $"    {name} = {value.GetRawText()}{suffix},\n");
        }
    }

    private static string Options(string? endpoint) => endpoint is null ? "" : $", new OpenAIClientOptions {{ Endpoint = new Uri({CodeText.Literal(endpoint)}) }}";
}
