namespace MLflow.Server.Artifacts;

/// <summary>What a folder of artifacts holds.</summary>
/// <param name="Name">The last part of its path.</param>
/// <param name="Size">Bytes; null for a folder.</param>
internal sealed record ArtifactEntry(string Name, long? Size);
