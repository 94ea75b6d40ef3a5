using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>What a chat client was asked and answered, in the shape of chat completions.</summary>
internal static class ChatFacts
{
    public static void RecordRequest(LiveSpan span, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        var shown = new List<JsonObject>();
        if (!string.IsNullOrEmpty(options?.Instructions))
        {
            var instructions = new ChatMessageBuilder("system");
            instructions.AddText(options.Instructions);
            shown.Add(instructions.Message());
        }

        shown.AddRange(messages.SelectMany(message => Builder(message.Role.Value, message.AuthorName, message.Contents).Build()));
        var inputs = ChatMessageBuilder.Inputs(shown);
        span.SetAttribute(AttributeNames.MessageFormat, AttributeValue.FromString("openai"));
        if (options is not null)
        {
            inputs["model"] = options.ModelId;
            RecordOptions(span, options);
        }

        Fact.Json(span, AttributeNames.Inputs, inputs);
    }

    public static void RecordResponse(LiveSpan span, ChatResponse response, bool isChain)
    {
        // The messages of one answer; those before a tool's result belong to earlier calls.
        var last = response.Messages.ToList();
        last.RemoveRange(0, last.FindLastIndex(message => message.Role == ChatRole.Tool) + 1);
        var message = Builder(ChatRole.Assistant.Value, null, last.SelectMany(m => m.Contents)).Message();
        var outputs = new JsonObject { ["choices"] = new JsonArray(ChatMessageBuilder.Choice(0, message, response.FinishReason?.Value)) };
        if (response.ResponseId is not null)
        {
            outputs["id"] = response.ResponseId;
        }

        if (response.ModelId is not null)
        {
            outputs["model"] = response.ModelId;
        }

        Fact.Json(span, AttributeNames.Outputs, outputs);
        Fact.Text(span, AttributeNames.ResponseModel, response.ModelId);
        Fact.Text(span, AttributeNames.ResponseId, response.ResponseId);
        Fact.Text(span, AttributeNames.FinishReason, response.FinishReason?.Value);
        if (!isChain)
        {
            Fact.Usage(span, response.Usage);
        }
    }

    /// <summary>A part of a streamed answer, in the shape of OpenAI's.</summary>
    public static JsonObject Chunk(ChatResponseUpdate update) => new()
    {
        ["id"] = update.ResponseId,
        ["object"] = "chat.completion.chunk",
        ["model"] = update.ModelId,
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["delta"] = Builder(update.Role?.Value ?? ChatRole.Assistant.Value, null, update.Contents).Message(),
            ["finish_reason"] = update.FinishReason?.Value,
        }),
    };

    /// <summary>True for an update with something for the reader in it.</summary>
    public static bool HasContent(ChatResponseUpdate update) => update.Contents.Any(content => content switch
    {
        TextContent text => text.Text.Length > 0,
        UsageContent => false,
        _ => true,
    });

    private static void RecordOptions(LiveSpan span, ChatOptions options)
    {
        Fact.Value(span, "temperature", options.Temperature);
        Fact.Value(span, "top_p", options.TopP);
        Fact.Value(span, "top_k", options.TopK);
        Fact.Value(span, "max_tokens", options.MaxOutputTokens);
        Fact.Value(span, "frequency_penalty", options.FrequencyPenalty);
        Fact.Value(span, "presence_penalty", options.PresencePenalty);
        Fact.Value(span, "seed", options.Seed);
        Fact.Value(span, "stop", options.StopSequences is { Count: > 0 } stop ? stop : null);
        Fact.Value(span, "conversation_id", options.ConversationId);
        Fact.Value(span, "tool_choice", options.ToolMode switch
        {
            null => null,
            AutoChatToolMode => "auto",
            NoneChatToolMode => "none",
            RequiredChatToolMode required => required.RequiredFunctionName ?? "required",
            var other => other.GetType().Name,
        });
        Fact.Value(span, "response_format", options.ResponseFormat switch
        {
            ChatResponseFormatJson { Schema: { } schema } => schema,
            ChatResponseFormatJson => "json_object",
            ChatResponseFormatText => "text",
            _ => null,
        });
        Fact.Text(span, AttributeNames.RequestModel, options.ModelId);
        if (options.Tools is { Count: > 0 } tools)
        {
            Fact.Json(span, AttributeNames.ChatTools, new JsonArray([.. tools.Select(Tool)]));
        }
    }

    private static JsonNode Tool(AITool tool) => tool is AIFunctionDeclaration function
        ? ChatMessageBuilder.Tool(function.Name, function.Description, JsonNode.Parse(function.JsonSchema.GetRawText()))
        : new JsonObject { ["type"] = tool.Name };

    private static ChatMessageBuilder Builder(string role, string? name, IEnumerable<AIContent> contents)
    {
        var builder = new ChatMessageBuilder(role, name);
        foreach (var content in contents)
        {
            switch (content)
            {
                case TextContent text:
                    builder.AddText(text.Text);
                    break;
                case TextReasoningContent reasoning:
                    builder.AddReasoning(reasoning.Text);
                    break;
                case FunctionCallContent call:
                    builder.AddToolCall(call.CallId, call.Name, Fact.AsText(call.Arguments ?? new Dictionary<string, object?>()));
                    break;
                case FunctionResultContent result:
                    builder.AddToolResult(result.CallId, Fact.AsText(result.Result ?? result.Exception?.Message));
                    break;
                case DataContent data when data.HasTopLevelMediaType("image"):
                    builder.AddImage(data.Uri);
                    break;
                case UriContent uri when uri.HasTopLevelMediaType("image"):
                    builder.AddImage(uri.Uri.ToString());
                    break;
                case UsageContent:
                    break;
                default:
                    builder.AddPart(Fact.Content(content));
                    break;
            }
        }

        return builder;
    }
}
