using MLflow.Server.Experiments;

namespace MLflow.Server.Ui.Overview;

/// <summary>What an overview page has read.</summary>
/// <param name="Experiment">Null when there is no such experiment.</param>
/// <param name="Overview">Null when it could not be read.</param>
/// <param name="Error">Why, in words.</param>
/// <param name="Habits">Null when no model was called, or it could not be read.</param>
internal sealed record OverviewData(Experiment? Experiment, Traces.Analysis.Overview? Overview, string? Error, ToolHabits? Habits = null);
