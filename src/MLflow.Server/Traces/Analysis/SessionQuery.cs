namespace MLflow.Server.Traces.Analysis;

/// <summary>Asks for the sessions of an experiment, those with the newest trace first.</summary>
/// <param name="ExperimentId">The experiment.</param>
/// <param name="PageSize">Sessions at most.</param>
/// <param name="After">The last session of the page before; null for the first page.</param>
internal sealed record SessionQuery(long ExperimentId, int PageSize, SessionPlace? After = null);
