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

    /// <summary>In US dollars; absent where the cost of a call is not known.</summary>
    Cost,

    /// <summary>All that were used.</summary>
    Tokens,

    /// <summary>Milliseconds from the start of the trace, see <see cref="TraceFacts.FirstTokenMs"/>.</summary>
    FirstToken,

    /// <summary>Tag <c>mlflow.traceName</c>, else the root span's name.</summary>
    Name,
    RunId,

    /// <summary>A linked prompt, <c>name/version</c>.</summary>
    Prompt,

    /// <summary>The previews, and <see cref="SpanContent.Text"/> of any span.</summary>
    Text,
    Tag,
    Metadata,
    SpanName,
    SpanType,
    SpanStatus,

    /// <summary><see cref="SpanContent.Json"/>.</summary>
    SpanContent,
    SpanAttribute,
    Feedback,
    Expectation,

    /// <summary>An assessment that links an issue, whose id is its name.</summary>
    Issue,
}
