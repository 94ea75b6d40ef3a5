namespace MLflow.Server.Traces.Filters;

/// <summary>What a trace can be filtered or ordered by.</summary>
internal enum TraceField
{
    RequestTime,
    Duration,
    EndTime,
    State,
    TraceId,
    ClientRequestId,
    ExperimentId,

    /// <summary>Tag <c>mlflow.traceName</c>, else the root span's name.</summary>
    Name,
    RunId,
    Tag,
    Metadata,
    SpanName,
    SpanType,
    SpanStatus,
    Feedback,
    Expectation,
}
