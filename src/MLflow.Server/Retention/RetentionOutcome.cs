namespace MLflow.Server.Retention;

/// <summary>What retention did, or would do, with the traces of an experiment.</summary>
/// <param name="ExperimentId">The experiment.</param>
/// <param name="Deleted">Traces that were deleted.</param>
/// <param name="Archived">Traces that were archived.</param>
/// <param name="Kept">Traces that would have expired, and that somebody keeps.</param>
/// <param name="Failed">Traces that could not be archived and stay as they are.</param>
internal sealed record RetentionOutcome(long ExperimentId, long Deleted, long Archived, long Kept, long Failed);
