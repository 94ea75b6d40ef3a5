namespace MLflow.Server.Ui.List;

/// <summary>What is wrong with a filter.</summary>
/// <param name="Position">The character, from 1.</param>
/// <param name="Words">What is wrong, for people.</param>
/// <param name="Better">What to write there instead; null where that is not known.</param>
public sealed record FilterProblem(int Position, string Words, string? Better);
