namespace MLflow.Cli.MlflowDatabases;

/// <summary>An experiment of MLflow's own database.</summary>
/// <param name="Id">Its id there.</param>
/// <param name="Name">Its name; with its workspace before it where that is not the default one.</param>
/// <param name="IsActive">Whether it is not deleted.</param>
/// <param name="Tags">Its tags.</param>
internal sealed record SourceExperiment(long Id, string Name, bool IsActive, IReadOnlyDictionary<string, string> Tags);
