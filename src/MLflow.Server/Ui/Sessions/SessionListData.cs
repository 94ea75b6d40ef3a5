using MLflow.Server.Experiments;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Ui.Sessions;

/// <summary>What a list of sessions has read.</summary>
/// <param name="Experiment">Null when there is no such experiment.</param>
/// <param name="Sessions">A page of them, and one more where there are more.</param>
/// <param name="Error">Why they could not be read, in words.</param>
internal sealed record SessionListData(Experiment? Experiment, IReadOnlyList<SessionSummary> Sessions, string? Error = null);
