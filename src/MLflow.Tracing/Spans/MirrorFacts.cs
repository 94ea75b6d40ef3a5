using System.Diagnostics;

namespace MLflow;

/// <summary>What the double of a span tells, by the names of OpenTelemetry's conventions for generative AI (1.37). No messages, arguments or error texts: those are content.</summary>
internal static class MirrorFacts
{
    public static ActivityKind KindOf(string spanType) => spanType is SpanType.ChatModel or SpanType.Llm or SpanType.Embedding ? ActivityKind.Client : ActivityKind.Internal;

    /// <summary>What a sampler may want to know. Null for nothing.</summary>
    public static IEnumerable<KeyValuePair<string, object?>>? AtStart(LiveSpan span) => OperationOf(span.SpanType) is { } operation ? [new(AttributeNames.OperationName, operation)] : null;

    public static void Write(Activity activity, LiveSpan span)
    {
        var operation = OperationOf(span.SpanType);
        activity.SetTag(AttributeNames.OperationName, operation);
        activity.SetTag(AttributeNames.SpanType, span.SpanType);
        activity.SetTag(AttributeNames.TraceRequestId, span.TraceId);
        string? model = null;
        foreach (ref readonly var attribute in span.EndedAttributeSpan)
        {
            var value = attribute.Value;
            switch (attribute.Key)
            {
                case AttributeNames.Model when value.Kind == AttributeValueKind.String:
                    model = value.String;
                    activity.SetTag(AttributeNames.RequestModel, model);
                    break;
                case AttributeNames.RequestModel or AttributeNames.ResponseModel or AttributeNames.ResponseId or AttributeNames.ErrorType or AttributeNames.HttpMethod or AttributeNames.HttpRoute
                    when value.Kind == AttributeValueKind.String:
                    activity.SetTag(attribute.Key, value.String);
                    break;
                case AttributeNames.Provider when value.Kind == AttributeValueKind.String:
                    activity.SetTag(AttributeNames.ProviderName, value.String);
                    break;
                case AttributeNames.FinishReason when value.Kind == AttributeValueKind.String:
                    activity.SetTag(AttributeNames.FinishReasons, new[] { value.String });
                    break;
                case AttributeNames.HttpStatus when value.Kind == AttributeValueKind.Int64:
                    activity.SetTag(attribute.Key, value.Int64);
                    break;
            }
        }

        if (span.Usage is { } usage)
        {
            SetTokens(activity, AttributeNames.InputTokens, usage.InputTokens);
            SetTokens(activity, AttributeNames.OutputTokens, usage.OutputTokens);
            SetTokens(activity, AttributeNames.CacheReadTokens, usage.CacheReadInputTokens);
            SetTokens(activity, "gen_ai.usage.cache_creation.input_tokens", usage.CacheCreationInputTokens);
        }

        switch (span.SpanType)
        {
            case SpanType.Tool:
                activity.SetTag(AttributeNames.ToolName, span.Name);
                break;
            case SpanType.Agent:
                activity.SetTag(AttributeNames.AgentName, span.Name);
                break;
        }

        activity.DisplayName = (operation, span.SpanType) switch
        {
            (null, _) => span.Name,
            (_, SpanType.Tool or SpanType.Agent) => $"{operation} {span.Name}",
            _ => model is null ? span.Name : $"{operation} {model}",
        };
        if (span.StatusCode == SpanStatusCode.Error)
        {
            activity.SetStatus(ActivityStatusCode.Error);
            if (activity.GetTagItem(AttributeNames.ErrorType) is null)
            {
                activity.SetTag(AttributeNames.ErrorType, ExceptionOf(span) ?? "_OTHER");
            }
        }
    }

    private static string? ExceptionOf(LiveSpan span)
    {
        foreach (var spanEvent in span.EndedEvents)
        {
            if (spanEvent.Name == AttributeNames.ExceptionEvent)
            {
                return Array.Find(spanEvent.Attributes, attribute => attribute.Key == AttributeNames.ExceptionType).Value is { Kind: AttributeValueKind.String } type ? type.String : null;
            }
        }

        return null;
    }

    private static string? OperationOf(string spanType) => spanType switch
    {
        SpanType.ChatModel => "chat",
        SpanType.Llm => "text_completion",
        SpanType.Embedding => "embeddings",
        SpanType.Tool => "execute_tool",
        SpanType.Agent => "invoke_agent",
        _ => null,
    };

    private static void SetTokens(Activity activity, string name, long? count)
    {
        if (count is not null)
        {
            activity.SetTag(name, count);
        }
    }
}
