using MLflow.Server.Traces;

namespace MLflow.Server.Storage;

/// <summary>
/// Keeps traces. One conformance suite runs on every implementation.
/// An implementation knows no HTTP; it throws <see cref="MlflowException"/> for what a caller did wrong.
/// </summary>
internal interface ITraceStore
{
    /// <summary>Runs to which a trace can be linked.</summary>
    const int MaxRunsOfATrace = 100;

    /// <summary>Prompts to which a trace can be linked.</summary>
    const int MaxPromptsOfATrace = 100;

    /// <summary>Traces that <see cref="FindBySpanAsync"/> returns at most.</summary>
    const int MaxTracesOfASpan = 10;

    /// <summary>Milliseconds after which a trace in progress is interrupted when nothing more of it comes, where its process did not say when it would be heard again.</summary>
    const long SilenceMs = 60 * 60 * 1000;

    /// <summary>Hours that log records wait for their span.</summary>
    const int LogWaitHours = 24;

    /// <summary>
    /// Stores the batch in one transaction and returns when it is durable: it survives the death of process and machine.
    /// Idempotent: spans are keyed by (trace id, span id) and replace what was there; facts are derived again from all spans of the trace.
    /// Waiting batches may share a transaction; a batch that is refused then fails alone.
    /// </summary>
    /// <exception cref="MlflowException">An experiment is unknown (RESOURCE_DOES_NOT_EXIST) or deleted (INVALID_PARAMETER_VALUE). Nothing of the batch is stored.</exception>
    Task WriteAsync(TraceBatch batch, CancellationToken cancellationToken);

    /// <summary>
    /// Stores what log records tell of spans, durable on return: all of a span's in one transaction, those of many spans in several. They may come before
    /// their spans, and again: what comes twice is kept once. Those whose span does not come within <see cref="LogWaitHours"/> hours are deleted.
    /// </summary>
    Task WriteLogsAsync(IReadOnlyList<SpanLogRecord> logs, CancellationToken cancellationToken);

    /// <summary>Maps the conventions of some spans again that an older version has mapped, from what was sent. Those that cannot be mapped stay as they are.</summary>
    Task<RemapResult> RemapAsync(CancellationToken cancellationToken);

    /// <summary>The traces that exist among <paramref name="traceIds"/>, in that order, absent ones left out.</summary>
    Task<IReadOnlyList<TraceInfo>> GetInfosAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken);

    /// <summary>By trace id, the experiments of those traces that exist among <paramref name="traceIds"/>.</summary>
    Task<IReadOnlyDictionary<string, long>> GetExperimentsAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken);

    /// <summary>The experiments of the traces whose spans have one of OpenTelemetry's ids.</summary>
    Task<IReadOnlyList<long>> GetExperimentsOfOtelAsync(IReadOnlyList<string> otelTraceIds, CancellationToken cancellationToken);

    /// <summary>Some of the traces that have a span with this id. No index is kept for it: all ids of spans are gone through, as long as a search may take.</summary>
    /// <exception cref="MlflowException">BAD_REQUEST: it took too long.</exception>
    Task<IReadOnlyList<string>> FindBySpanAsync(string spanId, CancellationToken cancellationToken);

    /// <summary>All stored spans of a trace: roots first, then by start time, then by span id. Empty for an unknown trace.</summary>
    Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken);

    /// <summary>Those of a trace's spans that have one of the ids, in the same order.</summary>
    Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, IReadOnlyCollection<string> spanIds, CancellationToken cancellationToken);

    /// <summary>
    /// All stored spans of a trace in the same order, as far as they stand in columns (<see cref="SpanRecord.IsSkeleton"/>): of their contents the model, tokens, cost,
    /// the first token, how a stream ended, and type and message of an error. Reads no payload.
    /// </summary>
    Task<IReadOnlyList<SpanRecord>> GetSkeletonAsync(string traceId, CancellationToken cancellationToken);

    /// <summary>A page of traces; reads no payload. Ordered uniquely, so that paging by token neither repeats nor skips.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter, the order, the page size or the token is wrong.</exception>
    Task<TracePage> SearchAsync(TraceQuery query, CancellationToken cancellationToken);

    /// <summary>How many traces match; experiments may have very many, so it stops counting at <paramref name="limit"/>.</summary>
    Task<int> CountAsync(TraceQuery query, int limit, CancellationToken cancellationToken);

    /// <summary>Deletes traces with their spans and tags and returns the ids of those that were there.</summary>
    Task<IReadOnlyList<string>> DeleteAsync(TraceDeletion deletion, CancellationToken cancellationToken);

    /// <summary>Makes traces belong to a run, besides the one that they were made in. Neither needs to be known yet; doing it again changes nothing.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a trace would belong to more than <see cref="MaxRunsOfATrace"/> runs. None of the traces is linked.</exception>
    Task LinkToRunAsync(IReadOnlyList<string> traceIds, string runId, CancellationToken cancellationToken);

    /// <summary>Says of which prompts a trace was made, besides those that it has; doing it again changes nothing.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such trace. INVALID_PARAMETER_VALUE: it would have more than <see cref="MaxPromptsOfATrace"/>.</exception>
    Task LinkPromptsAsync(string traceId, IReadOnlyList<PromptVersion> prompts, CancellationToken cancellationToken);

    /// <summary>Sets a tag, replacing its value.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such trace.</exception>
    Task SetTagAsync(string traceId, string key, string value, CancellationToken cancellationToken);

    /// <summary>Deletes a tag.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: the trace has no such tag.</exception>
    Task DeleteTagAsync(string traceId, string key, CancellationToken cancellationToken);
}
