namespace MLflow.Server.Ui.Spans;

/// <summary>A piece of a sentence.</summary>
/// <param name="Text">The words.</param>
/// <param name="SpanId">The row that proves them, or null: a span, or on the page of a session the number of a turn.</param>
/// <param name="Strong">True for what the sentence is about.</param>
public sealed record Phrase(string Text, string? SpanId = null, bool Strong = false);
