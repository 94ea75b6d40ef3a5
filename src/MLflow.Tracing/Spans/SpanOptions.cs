namespace MLflow;

/// <summary>What can be said of a span when it starts. Of a trace that is not recorded nothing of it is looked at.</summary>
public sealed class SpanOptions
{
    /// <summary>What the work was given. Null records nothing.</summary>
    public object? Inputs { get; init; }

    /// <summary>Attributes of the span.</summary>
    public IDictionary<string, object?> Attributes { get; init; } = new Dictionary<string, object?>();

    /// <summary>Tags of the trace that the span belongs to. At most 4,096 characters of a value are kept.</summary>
    public IDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Metadata of the trace that the span belongs to. At most 250 characters of a value are kept.</summary>
    public IDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>When the work began. Null: now.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>
    /// Where the span begins a trace: the probability that it is recorded, from 0 to 1, instead of what is set otherwise. Null: as set. Below another span it has no effect.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not from 0 to 1.</exception>
    public double? SamplingRatio
    {
        get;
        init => field = TrackingSettings.CheckRatio(value, nameof(value));
    }

    internal void ApplyTo(LiveSpan span)
    {
        if (span.HasEnded)
        {
            return;
        }

        if (Inputs is not null)
        {
            span.SetInputs(Inputs);
        }

        span.SetAttributes(Attributes);
        if (Tags.Count > 0 || Metadata.Count > 0)
        {
            span.Trace.Update(new TraceUpdate { Tags = Tags, Metadata = Metadata });
        }
    }
}
