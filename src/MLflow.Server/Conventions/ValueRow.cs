namespace MLflow.Server.Conventions;

/// <summary>Where a value stands, and how it is read.</summary>
/// <param name="Key">The attribute, the prefix of numbered attributes or the name of events, as <paramref name="Read"/> takes it.</param>
/// <param name="Read">Gives JSON text; null when there is nothing.</param>
internal sealed record ValueRow(string Key, Func<SpanSource, string, string?> Read);
