namespace MLflow;

/// <summary>Names of span attributes and events. MLflow's own are those of MLflow 3.11 (<c>mlflow.tracing.constant</c>); those under "ours" exist in this implementation only.</summary>
internal static class AttributeNames
{
    public const string TraceRequestId = "mlflow.traceRequestId";
    public const string SpanType = "mlflow.spanType";

    /// <summary>
    /// Of a span that runs: it says no more than that its trace is alive, and for how many milliseconds that may be believed without hearing it again. Ours.
    /// </summary>
    public const string Lease = "mlflow.trace.lease_ms";
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

    // OpenTelemetry's, semantic conventions 1.37 (HTTP, errors, gen_ai).
    public const string HttpRoute = "http.route";
    public const string UrlPath = "url.path";
    public const string HttpMethod = "http.request.method";
    public const string RequestBodySize = "http.request.body.size";
    public const string HttpStatus = "http.response.status_code";
    public const string HttpUrl = "url.full";
    public const string RequestContentType = "http.request.header.content-type";
    public const string ResponseContentType = "http.response.header.content-type";
    public const string ErrorType = "error.type";
    public const string RequestModel = "gen_ai.request.model";
    public const string ResponseModel = "gen_ai.response.model";
    public const string ResponseId = "gen_ai.response.id";
    public const string OperationName = "gen_ai.operation.name";
    public const string ProviderName = "gen_ai.provider.name";
    public const string AgentName = "gen_ai.agent.name";
    public const string ToolName = "gen_ai.tool.name";
    public const string FinishReasons = "gen_ai.response.finish_reasons";
    public const string InputTokens = "gen_ai.usage.input_tokens";
    public const string OutputTokens = "gen_ai.usage.output_tokens";
    public const string CacheReadTokens = "gen_ai.usage.cache_read.input_tokens";
    public const string ServiceTier = "openai.response.service_tier";
    public const string SystemFingerprint = "openai.response.system_fingerprint";

    // Ours.

    /// <summary>Milliseconds from sending the request to the first byte of content.</summary>
    public const string TimeToFirstToken = "mlflow.stream.time_to_first_token_ms";

    /// <summary>Longest time between two chunks with content, in milliseconds.</summary>
    public const string LongestGap = "mlflow.stream.longest_gap_ms";

    /// <summary>Output tokens after the first, by the seconds from the first chunk with content to the last.</summary>
    public const string TokensPerSecond = "mlflow.stream.tokens_per_second";

    /// <summary>True when the stream's own end mark, <c>[DONE]</c>, came.</summary>
    public const string StreamDone = "mlflow.stream.done";

    /// <summary>The value of the <c>event:</c> line of <c>[DONE]</c>, where it had one.</summary>
    public const string StreamDoneEvent = "mlflow.stream.done_event";

    /// <summary>Of a chunk's event: the value of its <c>event:</c> line, where its data do not say the same. Empty where the data say a type and there was no such line.</summary>
    public const string ChunkEventType = "mlflow.chunk.event";

    /// <summary>Number of chunks of a stream.</summary>
    public const string ChunkCount = "mlflow.stream.chunk_count";

    /// <summary>Chunks that were merged but not kept as events, because of their number or size.</summary>
    public const string ChunksOmitted = "mlflow.stream.chunks_omitted";

    /// <summary>Chunks whose events have only the beginning of an image or an audio.</summary>
    public const string ChunksTrimmed = "mlflow.stream.chunks_trimmed";

    /// <summary>How a stream ended: one of <see cref="StreamEnds"/>.</summary>
    public const string StreamEnd = "mlflow.stream.end";

    /// <summary>The endpoint of a gateway that a call went through; which model was behind it, <see cref="ResponseModel"/> says.</summary>
    public const string Endpoint = "mlflow.llm.endpoint";

    public const string FinishReason = "mlflow.llm.finish_reason";
    public const string RequestId = "openai.request_id";

    /// <summary>Milliseconds that the server says it worked on the answer.</summary>
    public const string ProcessingTime = "openai.processing_ms";

    /// <summary>The operation by the name of OpenAI's own clients, for example <c>responses.create</c>.</summary>
    public const string Operation = "openai.operation";

    /// <summary>Id of the response that an answer continues.</summary>
    public const string PreviousResponseId = "openai.previous_response_id";

    /// <summary>The usage as the server reported it.</summary>
    public const string ReportedUsage = "openai.usage";

    /// <summary>What the call cost in US dollars: <c>{"input_cost", "output_cost", "total_cost"}</c> (MLflow 3.11).</summary>
    public const string Cost = "mlflow.llm.cost";

    /// <summary>What our server told the cost from, or why it does not know it.</summary>
    public const string CostBasis = "mlflow.llm.cost_basis";

    /// <summary>The tokens as additive parts, see <see cref="MLflow.UsageBuckets"/>.</summary>
    public const string UsageBuckets = "mlflow.llm.usage_buckets";

    /// <summary>Body of a failed answer, up to a limit.</summary>
    public const string ErrorBody = "openai.error.body";
    public const string ErrorCode = "openai.error.code";
    public const string ApiErrorType = "openai.error.type";
    public const string ErrorParam = "openai.error.param";
    public const string CaptureNote = "mlflow.capture.note";

    /// <summary><c>metadata</c> where no content was recorded.</summary>
    public const string CaptureMode = "mlflow.capture.mode";

    /// <summary>True when the work was cancelled, which MLflow's two statuses do not tell from other errors.</summary>
    public const string Cancelled = "mlflow.cancelled";

    /// <summary>Images, audio, files and vectors of which only the beginning is kept: a list of <see cref="TrimmedMedia"/>.</summary>
    public const string Media = "mlflow.openai.media";

    /// <summary>Number of vectors in an answer.</summary>
    public const string EmbeddingCount = "mlflow.openai.embedding.count";

    /// <summary>Numbers in the first vector.</summary>
    public const string EmbeddingDimensions = "mlflow.openai.embedding.dimensions";

    public const string ImageCount = "mlflow.openai.image.count";

    /// <summary>Images of a stream that were not completed ones.</summary>
    public const string PartialImageCount = "mlflow.openai.image.partial_count";

    /// <summary>Seconds of audio that were transcribed.</summary>
    public const string AudioDuration = "mlflow.openai.audio.duration_s";

    /// <summary>True when one of the inputs was flagged.</summary>
    public const string ModerationFlagged = "mlflow.openai.moderation.flagged";

    /// <summary>One try of a call that was tried again.</summary>
    public const string AttemptEvent = "mlflow.openai.attempt";
    public const string AttemptNumber = "attempt";
    public const string AttemptDuration = "duration_ms";
    public const string AttemptRetryAfter = "retry_after_ms";

    /// <summary>True for a try that goes on with a stream that had broken.</summary>
    public const string AttemptReconnect = "reconnect";

    /// <summary>The last event that the broken stream brought, as the try named it to the server.</summary>
    public const string AttemptLastEventId = "last_event_id";
}
