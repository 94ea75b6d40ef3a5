namespace MLflow.Server;

/// <summary>What <see cref="MlflowDatabase.CheckAsync"/> found.</summary>
/// <param name="Traces">Traces that were looked at.</param>
/// <param name="Spans">Spans that were looked at, each with its content.</param>
/// <param name="Problems">One sentence for each problem, 100 at most; empty where all is well.</param>
public sealed record MlflowDatabaseCheck(long Traces, long Spans, IReadOnlyList<string> Problems);
