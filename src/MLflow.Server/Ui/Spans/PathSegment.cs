namespace MLflow.Server.Ui.Spans;

/// <summary>A stretch of the critical path in which one span itself was the cause of time passing.</summary>
/// <param name="Node">The span, or null between roots.</param>
/// <param name="FromMs">Milliseconds from the start of the trace.</param>
/// <param name="ToMs">Milliseconds from the start of the trace.</param>
public sealed record PathSegment(SpanNode? Node, double FromMs, double ToMs);
