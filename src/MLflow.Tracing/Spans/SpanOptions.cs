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

    /// <summary>Never throws: what the program handed over is its own, and may fail.</summary>
    internal void ApplyTo(LiveSpan span)
    {
        if (span.HasEnded)
        {
            return;
        }

        Try(span, Inputs, static (span, inputs) => span.SetInputs(inputs));
        Try(span, Attributes, static (span, attributes) => span.SetAttributes(attributes));
        Try(span, Tags, static (span, tags) => Tell(span, tags.Count, new TraceUpdate { Tags = tags }));
        Try(span, Metadata, static (span, metadata) => Tell(span, metadata.Count, new TraceUpdate { Metadata = metadata }));
    }

    private static void Tell(LiveSpan span, int count, TraceUpdate update)
    {
        if (count > 0)
        {
            span.Trace.Update(update);
        }
    }

    private static void Try<T>(LiveSpan span, T? given, Action<LiveSpan, T> apply)
        where T : class
    {
        if (given is null)
        {
            return;
        }

        try
        {
            apply(span, given);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            span.SetAttribute(AttributeNames.CaptureNote, AttributeValue.FromString($"{e.GetType().Name} while the options of the span were read"));
        }
    }
}
