using MLflow.Server.Traces;

namespace MLflow.Server.Otlp;

/// <summary>What an OTLP request holds.</summary>
/// <param name="Spans">All its spans that can be stored.</param>
/// <param name="Facts">For each trace that is complete with it, the body of StartTraceV3 (<see cref="TraceFactsFeature"/>).</param>
/// <param name="Rejected">The spans that cannot.</param>
internal sealed record OtlpTraces(IReadOnlyList<SpanRecord> Spans, IReadOnlyList<string> Facts, OtlpRejections Rejected)
{
    /// <summary>Calls among the spans that came as they were and were recorded here (<see cref="PlainCallFeature"/>).</summary>
    public int RecordedCalls { get; init; }
}
