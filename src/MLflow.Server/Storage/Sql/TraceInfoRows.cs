using MLflow.Server.Assessments;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>Reads rows of <c>traces t</c>.</summary>
internal static class TraceInfoRows
{
    public const int Count = 27;

    /// <summary>The columns in the order in which <see cref="Read"/> takes them.</summary>
    /// <param name="nowMs">The time in milliseconds, in SQL.</param>
    public static string Columns(string nowMs) => $"""
        t.trace_id, t.experiment_id, t.client_request_id, t.request_time_ms, t.duration_ms, t.state, t.request_preview, t.response_preview, t.settled,
        t.root_name, t.model, t.input_tokens, t.output_tokens, t.total_tokens, t.cached_input_tokens, t.first_token_ms,
        t.error_type, t.error_message, t.stream_end, t.span_count, t.announced_span_count,
        t.input_cost, t.output_cost, t.unpriced_calls, CASE WHEN {TraceSql.Interrupted(nowMs)} THEN 1 ELSE 0 END,
        (SELECT artifact_location FROM experiments e WHERE e.experiment_id = t.experiment_id), t.archive
        """;

    /// <param name="text">Reads a column of text, or null.</param>
    /// <param name="integer">Reads a column of integers, or null.</param>
    /// <param name="tags">Gets the tags that we tell; the stored ones are added afterwards.</param>
    /// <param name="metadata">The same for metadata.</param>
    /// <param name="assessments">Gets the assessments afterwards.</param>
    public static TraceInfo Read(
        Func<int, string?> text, Func<int, long?> integer, Dictionary<string, string> tags, Dictionary<string, string> metadata, List<AssessmentRecord> assessments)
    {
        var traceId = text(0)!;
        var spanCount = (int)integer(19)!.Value;
        tags[TraceKeys.ArtifactLocation] = $"{text(25)}/traces/{traceId}/artifacts";
        if (spanCount > 0)
        {
            tags[TraceKeys.SpansLocation] = TraceKeys.TrackingStore;
        }

        if (((SettledFields)integer(8)!.Value).HasFlag(SettledFields.Info))
        {
            metadata[TraceKeys.InfoFinalized] = "true";
        }

        var isInterrupted = integer(24) == 1;
        if (isInterrupted)
        {
            metadata[TraceKeys.Interrupted] = "true";
        }

        if (text(26) is not null)
        {
            metadata[TraceKeys.Archived] = "true";
        }

        return new TraceInfo
        {
            TraceId = traceId,
            ExperimentId = integer(1)!.Value,
            ClientRequestId = text(2),
            RequestTimeMs = integer(3)!.Value,
            DurationMs = integer(4),
            State = ColumnText.State(text(5)!),
            IsInterrupted = isInterrupted,
            RequestPreview = text(6),
            ResponsePreview = text(7),
            Tags = tags,
            Metadata = metadata,
            Assessments = assessments,
            Facts = new TraceFacts
            {
                Name = text(9),
                Model = text(10),
                InputTokens = integer(11),
                OutputTokens = integer(12),
                TotalTokens = integer(13),
                CachedInputTokens = integer(14),
                FirstTokenMs = integer(15),
                ErrorType = text(16),
                ErrorMessage = text(17),
                StreamEnd = text(18),
                SpanCount = spanCount,
                AnnouncedSpanCount = (int?)integer(20),
                Cost = integer(21) is { } input ? new CallCost(input, integer(22) ?? 0) : null,
                UnpricedCalls = (int)integer(23)!.Value,
            },
        };
    }
}
