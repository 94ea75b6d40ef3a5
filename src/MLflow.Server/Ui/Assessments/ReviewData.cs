using MLflow.Server.Experiments;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Assessments;

/// <summary>What a review has read.</summary>
/// <param name="Experiment">Null when there is no such experiment.</param>
/// <param name="Used">The names that it has.</param>
/// <param name="Name">The name that is given.</param>
/// <param name="Traces">The first traces without it.</param>
/// <param name="Waiting">How many there are.</param>
/// <param name="Error">Why they could not be read, in words.</param>
internal sealed record ReviewData(Experiment? Experiment, UsedNames Used, string Name, IReadOnlyList<TraceInfo> Traces, int Waiting, string? Error = null);
