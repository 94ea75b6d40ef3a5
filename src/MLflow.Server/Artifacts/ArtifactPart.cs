namespace MLflow.Server.Artifacts;

/// <summary>A part of an upload, as its client tells it at the end.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Tag">What the upload of the part was answered with.</param>
internal sealed record ArtifactPart(int Number, string Tag);
