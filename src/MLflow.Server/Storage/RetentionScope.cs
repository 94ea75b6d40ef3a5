namespace MLflow.Server.Storage;

/// <summary>An experiment, as far as retention knows it.</summary>
/// <param name="ExperimentId">Its id.</param>
/// <param name="ArtifactLocation">Where the files of its traces are.</param>
/// <param name="Tags">Those of its tags that speak of retention.</param>
internal sealed record RetentionScope(long ExperimentId, string ArtifactLocation, IReadOnlyDictionary<string, string> Tags);
