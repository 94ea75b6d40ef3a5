namespace MLflow;

/// <summary>Names of span attributes and events. MLflow's own are those of MLflow 3.11 (<c>mlflow.tracing.constant</c>); those under "ours" exist in this implementation only.</summary>
internal static class AttributeNames
{
    public const string TraceRequestId = "mlflow.traceRequestId";
    public const string SpanType = "mlflow.spanType";
    public const string Inputs = "mlflow.spanInputs";
    public const string Outputs = "mlflow.spanOutputs";
    public const string FunctionName = "mlflow.spanFunctionName";
    public const string ChatTools = "mlflow.chat.tools";
    public const string TokenUsage = "mlflow.chat.tokenUsage";
    public const string Model = "mlflow.llm.model";
    public const string Provider = "mlflow.llm.provider";
    public const string MessageFormat = "mlflow.message.format";

    public const string ExceptionEvent = "exception";
    public const string ExceptionType = "exception.type";
    public const string ExceptionMessage = "exception.message";
    public const string ExceptionStackTrace = "exception.stacktrace";

    /// <summary>Followed by the index of the chunk.</summary>
    public const string ChunkEventPrefix = "mlflow.chunk.item.";
    public const string ChunkValue = "mlflow.chunk.value";

    // Ours.

    /// <summary>Milliseconds from sending the request to the first byte of content.</summary>
    public const string TimeToFirstToken = "mlflow.stream.time_to_first_token_ms";

    /// <summary>Number of chunks of a stream.</summary>
    public const string ChunkCount = "mlflow.stream.chunk_count";

    /// <summary>Chunks that were merged but not kept as events, because of their number or size.</summary>
    public const string ChunksOmitted = "mlflow.stream.chunks_omitted";

    /// <summary>How a stream ended when it did not end by itself: <c>abandoned</c>, <c>cancelled</c>, <c>truncated</c>.</summary>
    public const string StreamEnd = "mlflow.stream.end";

    public const string FinishReason = "mlflow.llm.finish_reason";
    public const string HttpStatus = "http.response.status_code";
    public const string RequestId = "openai.request_id";
    public const string CaptureNote = "mlflow.capture.note";

    /// <summary>One try of a call that was tried again.</summary>
    public const string AttemptEvent = "mlflow.openai.attempt";
    public const string AttemptNumber = "attempt";
    public const string AttemptDuration = "duration_ms";
    public const string AttemptRetryAfter = "retry_after_ms";
}
