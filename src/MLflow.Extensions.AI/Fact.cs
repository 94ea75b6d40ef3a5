using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Writes what clients know into spans, by the names that MLflow and OpenAI give it.</summary>
internal static class Fact
{
    public static void Text(LiveSpan span, string key, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            span.SetAttribute(key, AttributeValue.FromString(value));
        }
    }

    public static void Value(LiveSpan span, string key, object? value)
    {
        if (value is not null)
        {
            span.SetAttribute(key, value);
        }
    }

    public static void Json(LiveSpan span, string key, JsonNode value) => span.SetAttribute(key, ChatMessageBuilder.Encode(value));

    public static void Usage(LiveSpan span, UsageDetails? usage)
    {
        if (usage is not null && (usage.InputTokenCount ?? usage.OutputTokenCount ?? usage.TotalTokenCount) is not null)
        {
            span.SetUsage(new TokenUsage
            {
                InputTokens = usage.InputTokenCount,
                OutputTokens = usage.OutputTokenCount,
                TotalTokens = usage.TotalTokenCount ?? (usage.InputTokenCount ?? 0) + (usage.OutputTokenCount ?? 0),
                CacheReadInputTokens = usage.CachedInputTokenCount,
            });
        }
    }

    /// <summary>A value of the program's own as text: text as it is, anything else as JSON.</summary>
    public static string AsText(object? value) => value is JsonElement { ValueKind: JsonValueKind.String } element ? element.GetString()! : ValueEncoder.Encode(value) switch
    {
        { Kind: AttributeValueKind.Null } => "",
        { Kind: AttributeValueKind.String } text => text.String,
        { Kind: AttributeValueKind.Json } json => Encoding.UTF8.GetString(json.Json),
        _ => FormattableString.Invariant($"{value}"),
    };

    /// <summary>Content as JSON. Bytes are counted, not kept: a span is no place for files.</summary>
    public static JsonObject Content(AIContent content) => content switch
    {
        TextContent text => new JsonObject { ["type"] = "text", ["text"] = text.Text },
        UriContent uri => new JsonObject { ["type"] = "uri", ["media_type"] = uri.MediaType, ["uri"] = uri.Uri.ToString() },
        DataContent data => new JsonObject { ["type"] = "data", ["media_type"] = data.MediaType, ["bytes"] = data.Data.Length },
        ErrorContent error => new JsonObject { ["type"] = "error", ["message"] = error.Message, ["code"] = error.ErrorCode },
        _ => new JsonObject { ["type"] = content.GetType().Name },
    };

    public static JsonArray Contents(IEnumerable<AIContent> contents) =>
        new([.. contents.Where(content => content is not UsageContent).Select(Content)]);
}
