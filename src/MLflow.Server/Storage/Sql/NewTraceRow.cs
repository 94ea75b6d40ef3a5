using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>
/// The row of a trace that is not stored yet, from its spans, its info or both; of an info alone also what it changes in a row that is there. Where both came together, it is what the row
/// would be after one and then the other: to write it once is half of the work, and in PostgreSQL half of the bytes.
/// </summary>
internal sealed class NewTraceRow
{
    private readonly TraceSummary? _summary;
    private readonly TraceInfo? _info;
    private readonly SpanRecord? _root;
    private readonly TokenCounts _tokens;

    /// <param name="experimentId">Where the spans belong.</param>
    /// <param name="spans">The spans; null where there is an info alone.</param>
    /// <param name="info">The info; null where there are spans alone.</param>
    public NewTraceRow(long experimentId, TraceRows? spans, TraceInfo? info)
    {
        _summary = spans?.Summary;
        _info = info;
        _root = spans is null ? null : Root(spans.Spans, spans.Summary);
        TraceId = spans?.TraceId ?? info!.TraceId;
        ExperimentId = info?.ExperimentId ?? experimentId;
        LeaseMs = spans?.LeaseMs;

        // Those of the spans stand above those that the client summed up: the client's are for traces whose spans do not come.
        var (told, counted) = (TokenCounts.Parse(info?.Metadata.GetValueOrDefault(TraceKeys.TokenUsage)), _summary?.Tokens ?? default);
        _tokens = new TokenCounts(counted.Input ?? told.Input, counted.Output ?? told.Output, counted.Total ?? told.Total, counted.CachedInput ?? told.CachedInput);
    }

    public string TraceId { get; }

    public long ExperimentId { get; }

    public long? LeaseMs { get; }

    public string? ClientRequestId => _info?.ClientRequestId;

    public long RequestTimeMs => _summary is null || Settled.HasFlag(SettledFields.RequestTime) ? _info!.RequestTimeMs : _summary.RequestTimeMs;

    public long? DurationMs => _info?.DurationMs ?? _summary?.DurationMs;

    public TraceState State => _info is not null && (Settled.HasFlag(SettledFields.State) || _summary?.State is not (TraceState.Ok or TraceState.Error)) ? _info.State : _summary!.State;

    public string? RequestPreview => _info?.RequestPreview ?? RequestPreviewOf(_root);

    public string? ResponsePreview => _info?.ResponsePreview ?? ResponsePreviewOf(_root);

    public SettledFields Settled => _info is null ? SettledFields.None : SettledBy(_info);

    /// <summary>What follows from the spans; empty where there are none.</summary>
    public TraceFacts Facts => (_summary?.Facts ?? new TraceFacts()) with { InputTokens = _tokens.Input, OutputTokens = _tokens.Output, TotalTokens = _tokens.Total, CachedInputTokens = _tokens.CachedInput };

    public long? AnnouncedSpanCount => TraceSizeStats.SpanCount(_info?.Metadata.GetValueOrDefault(TraceKeys.SizeStats));

    /// <summary>The root, if it is among the spans.</summary>
    public static SpanRecord? Root(IReadOnlyList<SpanRow> spans, TraceSummary summary)
    {
        foreach (var span in spans)
        {
            if (span.Record.SpanId == summary.RootSpanId)
            {
                return span.Record;
            }
        }

        return null;
    }

    public static string? RequestPreviewOf(SpanRecord? root) => RootPreview.Of(root?[AttributeNames.Inputs], "user"u8);

    public static string? ResponsePreviewOf(SpanRecord? root) => RootPreview.Of(root?[AttributeNames.Outputs], "assistant"u8);

    private static SettledFields SettledBy(TraceInfo info) => SettledFields.Info
        | (info.RequestTimeMs > 0 ? SettledFields.RequestTime : 0)
        | (info.DurationMs is not null ? SettledFields.Duration : 0)
        | (info.State is TraceState.Ok or TraceState.Error ? SettledFields.State : 0)
        | (info.RequestPreview is not null ? SettledFields.RequestPreview : 0)
        | (info.ResponsePreview is not null ? SettledFields.ResponsePreview : 0);
}
