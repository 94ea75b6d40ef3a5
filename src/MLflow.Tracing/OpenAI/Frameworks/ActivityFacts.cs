using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>Makes span fields of what a framework wrote into its activity. Read at the activity's end: some set their tags late.</summary>
internal static class ActivityFacts
{
    private const string RequestPrefix = "gen_ai.request.";

    public static string SpanTypeOf(ActivityKinds kind) => kind switch
    {
        ActivityKinds.Agent => SpanType.Agent,
        ActivityKinds.Tool => SpanType.Tool,
        ActivityKinds.Embedding => SpanType.Embedding,
        _ => SpanType.ChatModel,
    };

    public static void Record(LiveSpan span, Activity activity, ActivityKinds kind)
    {
        var isChain = span.Call is { IsChain: true };
        if (!isChain)
        {
            span.SetSpanType(SpanTypeOf(kind));
        }

        string? instructions = null;
        string? messages = null;
        var usage = new TokenUsage();
        span.Rename(activity.DisplayName);
        foreach (var (key, value) in activity.TagObjects)
        {
            switch (key)
            {
                case "gen_ai.input.messages":
                    messages = value as string;
                    break;
                case "gen_ai.system_instructions":
                    instructions = value as string;
                    break;
                case "gen_ai.output.messages" when value is string text && ActivityMessages.Outputs(text) is { } outputs:
                    span.SetAttribute(AttributeNames.Outputs, ChatMessageBuilder.Encode(outputs));
                    break;
                case "gen_ai.tool.definitions" when value is string text && ActivityMessages.Tools(text) is { } tools:
                    span.SetAttribute(AttributeNames.ChatTools, ChatMessageBuilder.Encode(tools));
                    break;
                case "gen_ai.tool.call.arguments":
                    SetContent(span, AttributeNames.Inputs, value);
                    break;
                case "gen_ai.tool.call.result":
                    SetContent(span, AttributeNames.Outputs, value);
                    break;
                case AttributeNames.ToolName when kind == ActivityKinds.Tool:
                case AttributeNames.AgentName when kind == ActivityKinds.Agent:
                    span.Rename(value as string ?? activity.DisplayName);
                    break;
                case AttributeNames.ProviderName or "gen_ai.system" when value is string provider:
                    span.SetAttribute(AttributeNames.Provider, AttributeValue.FromString(provider));
                    break;
                case AttributeNames.FinishReasons when value is string[] { Length: > 0 } reasons:
                    span.SetAttribute(AttributeNames.FinishReason, AttributeValue.FromString(reasons[0]));
                    break;
                case AttributeNames.InputTokens:
                    usage = usage with { InputTokens = Number(value) };
                    break;
                case AttributeNames.OutputTokens:
                    usage = usage with { OutputTokens = Number(value) };
                    break;
                case AttributeNames.CacheReadTokens:
                    usage = usage with { CacheReadInputTokens = Number(value) };
                    break;
                case AttributeNames.RequestModel:
                    span.SetAttribute(AttributeNames.Model, value);
                    span.SetAttribute(key, value);
                    break;
                default:
                    // A parameter has the name that it has in a request.
                    span.SetAttribute(key.StartsWith(RequestPrefix, StringComparison.Ordinal) ? key[RequestPrefix.Length..] : key, value);
                    break;
            }
        }

        if (messages is not null && ActivityMessages.Inputs(instructions, messages) is { } inputs)
        {
            span.SetAttribute(AttributeNames.Inputs, ChatMessageBuilder.Encode(inputs));
            span.SetAttribute(AttributeNames.MessageFormat, "openai");
        }

        RecordEvents(span, activity);
        if (kind is ActivityKinds.Model or ActivityKinds.Embedding && !isChain && (usage.InputTokens ?? usage.OutputTokens) is not null)
        {
            span.SetUsage(usage with { TotalTokens = (usage.InputTokens ?? 0) + (usage.OutputTokens ?? 0) });
        }

        if (activity.Status == ActivityStatusCode.Error)
        {
            span.SetStatus(SpanStatusCode.Error, activity.StatusDescription ?? activity.GetTagItem(AttributeNames.ErrorType) as string);
        }
    }

    /// <summary>Exceptions, and messages that came as events (the older convention, which Semantic Kernel follows).</summary>
    private static void RecordEvents(LiveSpan span, Activity activity)
    {
        List<JsonObject>? messages = null;
        JsonArray? choices = null;
        foreach (ref readonly var activityEvent in activity.EnumerateEvents())
        {
            if (activityEvent.Name == AttributeNames.ExceptionEvent)
            {
                RecordException(span, activityEvent);
            }
            else if (Tag(activityEvent, "gen_ai.event.content") is { } content && ActivityMessages.Parse(content) is JsonObject message)
            {
                if (activityEvent.Name == "gen_ai.choice")
                {
                    (choices ??= []).Add((JsonNode)message);
                }
                else
                {
                    (messages ??= []).Add(message);
                }
            }
        }

        if (messages is not null)
        {
            span.SetAttribute(AttributeNames.Inputs, ChatMessageBuilder.Encode(ChatMessageBuilder.Inputs(messages)));
            span.SetAttribute(AttributeNames.MessageFormat, "openai");
        }

        if (choices is not null)
        {
            span.SetAttribute(AttributeNames.Outputs, ChatMessageBuilder.Encode(new JsonObject { ["choices"] = choices }));
        }
    }

    private static void RecordException(LiveSpan span, ActivityEvent activityEvent)
    {
        var type = Tag(activityEvent, AttributeNames.ExceptionType) ?? "Exception";
        var time = (activityEvent.Timestamp - DateTimeOffset.UnixEpoch).Ticks * 100;
        span.RecordException(type[(type.LastIndexOf('.') + 1)..], Tag(activityEvent, AttributeNames.ExceptionMessage) ?? "", Tag(activityEvent, AttributeNames.ExceptionStackTrace), time);
    }

    private static string? Tag(in ActivityEvent activityEvent, string name)
    {
        foreach (var (key, value) in activityEvent.Tags)
        {
            if (key == name)
            {
                return value as string;
            }
        }

        return null;
    }

    private static void SetContent(LiveSpan span, string key, object? value)
    {
        if (value is string text && JsonText.IsJson(System.Text.Encoding.UTF8.GetBytes(text)))
        {
            span.SetAttribute(key, AttributeValue.FromJson(System.Text.Encoding.UTF8.GetBytes(text)));
        }
        else
        {
            span.SetAttribute(key, value);
        }
    }

    private static long? Number(object? value) => value is int or long ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : null;
}
