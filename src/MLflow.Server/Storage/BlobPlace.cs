namespace MLflow.Server.Storage;

/// <summary>Where a content is kept.</summary>
/// <param name="Name">Its name in the blob store.</param>
/// <param name="IsStored">Whether it is there; else whoever asked has to put it there.</param>
internal sealed record BlobPlace(string Name, bool IsStored);
