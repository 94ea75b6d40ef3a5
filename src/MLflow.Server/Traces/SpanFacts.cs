using MLflow.Server.Pricing;

namespace MLflow.Server.Traces;

/// <summary>What of a span is filtered by, listed, and summed up into the facts of its trace.</summary>
internal sealed record SpanFacts
{
    public required string SpanId { get; init; }

    public string? ParentSpanId { get; init; }

    public required string Name { get; init; }

    public SpanStatus Status { get; init; }

    public long StartNs { get; init; }

    public long? EndNs { get; init; }

    public string? Model { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? TotalTokens { get; init; }

    public long? CachedInputTokens { get; init; }

    /// <summary>Null where it is not known.</summary>
    public CallCost? Cost { get; init; }

    /// <summary>Milliseconds from the span's start to its first streamed token.</summary>
    public long? FirstTokenMs { get; init; }

    /// <summary>See <see cref="TraceFacts.StreamEnd"/>.</summary>
    public string? StreamEnd { get; init; }

    public string? ErrorType { get; init; }

    public string? ErrorMessage { get; init; }

    public string? Session { get; init; }

    public string? User { get; init; }

    /// <summary>It used tokens, or cost something.</summary>
    public bool IsCall => InputTokens is not null || OutputTokens is not null || TotalTokens is not null || Cost is not null;

    public static SpanFacts From(SpanRecord span)
    {
        var usage = TokenCounts.Parse(span[AttributeNames.TokenUsage]);
        var (errorType, errorMessage) = Error(span);
        return new SpanFacts
        {
            SpanId = span.SpanId,
            ParentSpanId = span.ParentSpanId,
            Name = span.Name,
            Status = span.Status,
            StartNs = span.StartNs,
            EndNs = span.EndNs,
            Model = ModelOf(span, usage),
            InputTokens = usage.Input,
            OutputTokens = usage.Output,
            TotalTokens = usage.Total,
            CachedInputTokens = usage.CachedInput,
            Cost = CallCost.Parse(span[AttributeNames.Cost]),
            FirstTokenMs = StoredJson.Number(span[AttributeNames.TimeToFirstToken]),
            StreamEnd = StoredJson.String(span[AttributeNames.StreamEnd]) is { } end and not StreamEnds.Completed ? end : null,
            ErrorType = errorType,
            ErrorMessage = errorMessage,
            Session = StoredJson.String(span[ForeignAttributes.SessionId]),
            User = StoredJson.String(span[ForeignAttributes.UserId]),
        };
    }

    /// <summary>The model of a call, or null.</summary>
    internal static string? ModelOf(SpanRecord span, TokenCounts usage)
    {
        if (StoredJson.String(span[AttributeNames.Model]) is { } model)
        {
            return model;
        }

        // MLflow's clients before 3.11 name the model in inputs and outputs only.
        return usage.Any || span.Type is SpanType.ChatModel or SpanType.Llm or SpanType.Embedding
            ? StoredJson.TopLevelString(span[AttributeNames.Inputs], "model") ?? StoredJson.TopLevelString(span[AttributeNames.Outputs], "model")
            : null;
    }

    private static (string? Type, string? Message) Error(SpanRecord span)
    {
        if (span.Status != SpanStatus.Error)
        {
            return (null, null);
        }

        string? type = null;
        string? message = null;
        foreach (var @event in span.Events)
        {
            if (@event.Name != AttributeNames.ExceptionEvent)
            {
                continue;
            }

            foreach (var (key, value) in @event.Attributes)
            {
                type = key == AttributeNames.ExceptionType ? StoredJson.String(value) : type;
                message = key == AttributeNames.ExceptionMessage ? StoredJson.String(value) : message;
            }
        }

        return (type ?? StoredJson.String(span[AttributeNames.ErrorType]), message ?? span.StatusMessage);
    }
}
