using MLflow.Server.Pricing;

namespace MLflow.Server.Traces;

/// <summary>Figures of a trace, derived from the columns of its spans whenever spans arrive, so that a re-sent batch changes nothing.</summary>
public sealed record TraceFacts
{
    /// <summary>Name of the root span.</summary>
    public string? Name { get; init; }

    /// <summary>Model of the first model call.</summary>
    public string? Model { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? TotalTokens { get; init; }

    public long? CachedInputTokens { get; init; }

    /// <summary>Of the calls whose cost is known; null where that is none.</summary>
    public CallCost? Cost { get; init; }

    /// <summary>Calls that used tokens and whose cost is not known.</summary>
    public int UnpricedCalls { get; init; }

    /// <summary>Milliseconds from the start of the trace to the first token of the last streamed model call: the answer that the user sees. Null when nothing was streamed.</summary>
    public long? FirstTokenMs { get; init; }

    /// <summary>Type and message of the first error: the root's when it has one.</summary>
    public string? ErrorType { get; init; }

    public string? ErrorMessage { get; init; }

    /// <summary>How the last streamed answer ended when it did not end by itself: <c>abandoned</c>, <c>cancelled</c>, <c>truncated</c>.</summary>
    public string? StreamEnd { get; init; }

    /// <summary>Spans that have arrived.</summary>
    public int SpanCount { get; init; }

    /// <summary>Spans that the client announced (<c>num_spans</c> of <c>mlflow.trace.sizeStats</c>).</summary>
    public int? AnnouncedSpanCount { get; init; }
}
