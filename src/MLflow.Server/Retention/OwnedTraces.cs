namespace MLflow.Server.Retention;

/// <summary>How many traces of somebody there are, or were, in an experiment.</summary>
/// <param name="ExperimentId">The experiment.</param>
/// <param name="Traces">How many.</param>
internal sealed record OwnedTraces(long ExperimentId, long Traces);
