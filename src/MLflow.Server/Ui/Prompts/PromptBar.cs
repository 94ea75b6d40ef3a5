using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Prompts;

/// <summary>The prompt of one call as a bar.</summary>
/// <param name="Call">The call.</param>
/// <param name="Tokens">What the provider counted.</param>
/// <param name="Pieces">Parts from left to right, empty ones left out.</param>
public sealed record PromptBar(SpanNode Call, long Tokens, IReadOnlyList<PromptPiece> Pieces);
