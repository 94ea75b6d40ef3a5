using System.Text.Json;

namespace MLflow;

/// <summary>
/// Leaves of a span what happened and what it cost, and takes out what was said (<see cref="CaptureMode.Metadata"/>). Attributes are kept by a list of those that hold
/// no content: what is not known is not kept.
/// </summary>
internal static class MetadataFilter
{
    /// <summary>Attributes whose text or JSON is no content, beside those of <see cref="KeptPrefixes"/>.</summary>
    private static readonly HashSet<string> Kept =
    [
        AttributeNames.TraceRequestId, AttributeNames.SpanType, AttributeNames.Lease, AttributeNames.FunctionName, AttributeNames.TokenUsage, AttributeNames.Model, AttributeNames.Provider, AttributeNames.Endpoint,
        AttributeNames.MessageFormat, AttributeNames.HttpMethod, AttributeNames.HttpUrl, AttributeNames.RequestContentType, AttributeNames.ResponseContentType,
        AttributeNames.ErrorType, AttributeNames.ErrorCode, AttributeNames.ApiErrorType, AttributeNames.ErrorParam, AttributeNames.RequestModel,
        AttributeNames.ResponseModel, AttributeNames.ResponseId, AttributeNames.ServiceTier, AttributeNames.SystemFingerprint, AttributeNames.StreamEnd,
        AttributeNames.FinishReason, AttributeNames.RequestId, AttributeNames.ProcessingTime, AttributeNames.Operation, AttributeNames.PreviousResponseId,
        AttributeNames.ReportedUsage, AttributeNames.UsageBuckets, AttributeNames.CaptureMode, AttributeNames.AttemptLastEventId,

        // Parameters of requests whose values are words of the API.
        "model", "service_tier", "reasoning_effort", "verbosity", "tool_choice", "function_call", "truncation", "encoding_format", "response_format_type", "modalities",
        "include", "background", "store", "size", "quality", "style", "voice", "language", "output_format", "moderation", "purpose", "prompt_cache_retention",
    ];

    /// <summary>Conventions whose attributes are names, numbers and ids.</summary>
    private static readonly string[] KeptPrefixes = ["gen_ai.usage.", "gen_ai.request.", "gen_ai.response.", "gen_ai.agent.id", AttributeNames.AgentName, AttributeNames.ToolName, "gen_ai.tool.type",
        "gen_ai.tool.call.id", AttributeNames.OperationName, AttributeNames.ProviderName, "gen_ai.conversation.id", "gen_ai.output.type", "server.", "x-ratelimit-"];

    /// <param name="span">An ended span.</param>
    /// <param name="own">Attributes of the program's own that are kept.</param>
    public static void Apply(LiveSpan span, IReadOnlySet<string> own)
    {
        var attributes = span.RewritableAttributes;
        for (var i = attributes.Count - 1; i >= 0; i--)
        {
            var (key, value) = attributes[i];
            if (key == AttributeNames.ChatTools && ToolNames(value) is { } names)
            {
                attributes[i] = new(key, names);
            }
            else if (!IsKept(key, value, own))
            {
                attributes.RemoveAt(i);
            }
        }

        attributes.RemoveAll(attribute => attribute.Key == AttributeNames.CaptureMode);
        attributes.Add(new(AttributeNames.CaptureMode, AttributeValue.FromString("metadata")));
        string? exceptionType = null;
        var events = span.RewritableEvents;
        for (var i = 0; events is not null && i < events.Count; i++)
        {
            var (name, time, all) = events[i];
            if (name == AttributeNames.ExceptionEvent)
            {
                exceptionType = TextOf(all, AttributeNames.ExceptionType) ?? exceptionType;
            }

            events[i] = new SpanEvent(name, time, [.. all.Where(attribute => attribute.Key == AttributeNames.ExceptionType || IsKept(attribute.Key, attribute.Value, own))]);
        }

        var links = span.RewritableLinks;
        for (var i = 0; links is not null && i < links.Count; i++)
        {
            links[i] = links[i] with { Attributes = [.. links[i].Attributes.Where(attribute => IsKept(attribute.Key, attribute.Value, own))] };
        }

        if (span.StatusMessage is { } message && !CallError.IsOwnText(message))
        {
            span.Rewrite(span.Name, span.SpanType, exceptionType);
        }

        span.Chunks?.Withhold("");
    }

    private static bool IsKept(string key, AttributeValue value, IReadOnlySet<string> own) =>
        value.Kind is AttributeValueKind.Boolean or AttributeValueKind.Int64 or AttributeValueKind.Double
        || own.Contains(key)
        || Kept.Contains(key)
        || IsNumber(value)
        || KeptPrefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));

    private static bool IsNumber(AttributeValue value) => value.Kind == AttributeValueKind.Json && value.Json is [(byte)'-' or (>= (byte)'0' and <= (byte)'9'), ..];

    private static string? TextOf(KeyValuePair<string, AttributeValue>[] attributes, string key) =>
        attributes.FirstOrDefault(attribute => attribute.Key == key) is { Key: not null, Value: { Kind: AttributeValueKind.String, String: var text } } ? text : null;

    /// <summary>The tools' names in the same shape.</summary>
    private static AttributeValue? ToolNames(AttributeValue tools)
    {
        if (tools.Kind != AttributeValueKind.Json)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(tools.Json.ToArray());
            return AttributeValue.FromJson(ScratchJson.Write(document.RootElement, static (json, list) =>
            {
                json.WriteStartArray();
                foreach (var tool in list.EnumerateArray())
                {
                    if (tool.TryGetProperty("function", out var function) && function.TryGetProperty("name", out var name))
                    {
                        json.WriteStartObject();
                        json.WriteString("type"u8, "function"u8);
                        json.WriteStartObject("function"u8);
                        json.WritePropertyName("name"u8);
                        name.WriteTo(json);
                        json.WriteEndObject();
                        json.WriteEndObject();
                    }
                }

                json.WriteEndArray();
            }));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
