using MLflow.Server.Pricing;

namespace MLflow.Server.Traces.Analysis;

/// <summary>Figures of the calls of one model.</summary>
public sealed record ModelFigures
{
    public required string Model { get; init; }

    public required long Calls { get; init; }

    public required long Failed { get; init; }

    /// <summary>Milliseconds; null while all calls run.</summary>
    public double? DurationP50 { get; init; }

    /// <summary>Milliseconds, of the streamed calls; null where there are none.</summary>
    public double? FirstTokenP50 { get; init; }

    /// <summary>Of the streamed calls, from the first token on; null where there are none.</summary>
    public double? TokensPerSecond { get; init; }

    public long InputTokens { get; init; }

    public long CachedTokens { get; init; }

    /// <summary>Of the calls whose price is known; null where that is none.</summary>
    public CallCost? Cost { get; init; }
}
