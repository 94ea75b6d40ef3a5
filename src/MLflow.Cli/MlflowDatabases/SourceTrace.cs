namespace MLflow.Cli.MlflowDatabases;

/// <summary>A trace of MLflow's own database.</summary>
/// <param name="TraceId">Its id.</param>
/// <param name="TimestampMs">When it began.</param>
/// <param name="Json">As Python's <c>Trace.to_json()</c> writes it; without spans where they are not in the database.</param>
/// <param name="Spans">Spans in the database.</param>
/// <param name="Assessments">Assessments.</param>
/// <param name="RunIds">Runs that it was linked to.</param>
/// <param name="ArtifactLocation">Where its files are, as the database says; null where it does not.</param>
internal sealed record SourceTrace(string TraceId, long TimestampMs, byte[] Json, int Spans, int Assessments, IReadOnlyList<string> RunIds, string? ArtifactLocation);
