using MLflow.Server.Pricing;

namespace MLflow.Server.Traces.Analysis;

/// <summary>A session: traces that name it in their metadata (<c>mlflow.trace.session</c>), each a turn of it.</summary>
public sealed record SessionSummary
{
    public required string SessionId { get; init; }

    public required long Turns { get; init; }

    public required long Failed { get; init; }

    /// <summary>Start of its oldest trace, in milliseconds since the Unix epoch.</summary>
    public required long FirstMs { get; init; }

    /// <summary>Start of its newest trace.</summary>
    public required long LastMs { get; init; }

    /// <summary>How long its traces took together, in milliseconds.</summary>
    public long WaitMs { get; init; }

    public long InputTokens { get; init; }

    public long OutputTokens { get; init; }

    /// <summary>Of the calls whose price is known; null where that is none.</summary>
    public CallCost? Cost { get; init; }

    public long UnpricedCalls { get; init; }

    /// <summary>The user of one of its traces, or null.</summary>
    public string? User { get; init; }

    /// <summary>What its oldest trace was asked, as its preview has it.</summary>
    public string? FirstRequest { get; init; }
}
