namespace MLflow.Server.Traces;

/// <summary>Which traces of an experiment to delete: by id, or the oldest up to a time.</summary>
public sealed record TraceDeletion
{
    public required long ExperimentId { get; init; }

    /// <summary>Ids to delete; unknown ones are passed over. Exclusive with <see cref="MaxTimestampMs"/>.</summary>
    public IReadOnlyList<string>? TraceIds { get; init; }

    /// <summary>Delete what started at or before this time (milliseconds since the Unix epoch).</summary>
    public long? MaxTimestampMs { get; init; }

    /// <summary>With <see cref="MaxTimestampMs"/>: at most so many, the oldest first.</summary>
    public int? MaxTraces { get; init; }
}
