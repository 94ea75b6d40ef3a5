namespace MLflow.Server.Access;

/// <summary>Experiments: some, or all but some.</summary>
/// <param name="IsAllBut">Whether <paramref name="Ids"/> are those that are not in it.</param>
/// <param name="Ids">Ids of experiments.</param>
internal sealed record ExperimentSet(bool IsAllBut, IReadOnlyList<long> Ids);
