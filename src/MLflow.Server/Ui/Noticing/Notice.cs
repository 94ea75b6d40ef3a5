using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Noticing;

/// <summary>Something that a careful reader of a trace would notice.</summary>
/// <param name="Mark">How much it matters.</param>
/// <param name="Text">A sentence or two.</param>
/// <param name="Step">The step that proves it, or null.</param>
public sealed record Notice(NoticeMark Mark, string Text, SpanNode? Step = null);
