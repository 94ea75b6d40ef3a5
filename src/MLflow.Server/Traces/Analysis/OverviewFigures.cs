using MLflow.Server.Pricing;

namespace MLflow.Server.Traces.Analysis;

/// <summary>Figures of the traces of one time. What no trace told is null or 0, as its kind says.</summary>
public sealed record OverviewFigures
{
    public static readonly OverviewFigures None = new();

    public long Traces { get; init; }

    public long Failed { get; init; }

    /// <summary>Milliseconds, of the traces that ended; null where none did.</summary>
    public double? LatencyP50 { get; init; }

    public double? LatencyP95 { get; init; }

    /// <summary>Milliseconds, of the traces whose answer was streamed.</summary>
    public double? FirstTokenP50 { get; init; }

    public long InputTokens { get; init; }

    /// <summary>Those of <see cref="InputTokens"/> that came from the provider's cache.</summary>
    public long CachedTokens { get; init; }

    public long OutputTokens { get; init; }

    /// <summary>Of the calls whose price is known; null where that is none.</summary>
    public CallCost? Cost { get; init; }

    public long UnpricedCalls { get; init; }

    /// <summary>How many users the traces name.</summary>
    public long Users { get; init; }

    /// <summary>How many sessions they name.</summary>
    public long Sessions { get; init; }
}
