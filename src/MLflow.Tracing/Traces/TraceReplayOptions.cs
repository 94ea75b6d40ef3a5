namespace MLflow;

/// <summary>How a trace is replayed.</summary>
public sealed class TraceReplayOptions
{
    /// <summary>
    /// True: a request is answered only by an exchange with the same body (equal as JSON). False: by the first of the same method and path that has not answered yet,
    /// whatever its body, so that a test may change the prompt. Default true.
    /// </summary>
    public bool MatchBody { get; set; } = true;

    /// <summary>True: answers and the events of streams come as late as they did then. Default false: at once.</summary>
    public bool WithTiming { get; set; }

    /// <summary>The clock for <see cref="WithTiming"/>. Null: the system's.</summary>
    public TimeProvider? TimeProvider { get; set; }
}
