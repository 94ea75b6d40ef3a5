using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Searching;

/// <summary>A place in which was found what was looked for.</summary>
/// <param name="Node">The step.</param>
/// <param name="Tab">The tab of the reading pane that shows it; null for the row itself.</param>
public sealed record SearchHit(SpanNode Node, string? Tab);
