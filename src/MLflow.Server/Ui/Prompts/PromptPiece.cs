namespace MLflow.Server.Ui.Prompts;

/// <summary>A part of a prompt on its bar.</summary>
/// <param name="Part">What it is.</param>
/// <param name="Tokens">About how many tokens; all parts together are what the provider counted.</param>
/// <param name="CachedTokens">Of those, how many came from the provider's cache.</param>
public sealed record PromptPiece(PromptPart Part, long Tokens, long CachedTokens);
