namespace MLflow.Server.Ui.Spans;

/// <summary>The traces before and after this one in the list that the reader came from.</summary>
/// <param name="Previous">The trace above it; null at the top.</param>
/// <param name="Next">The trace below it; null at the end.</param>
/// <param name="Position">Its place, from 1; null where it is not known.</param>
/// <param name="Count">How many traces the list has; at <paramref name="IsCut"/> at least so many.</param>
/// <param name="IsCut">Counting stopped.</param>
public sealed record TraceNeighbours(string? Previous, string? Next, int? Position, int Count, bool IsCut);
