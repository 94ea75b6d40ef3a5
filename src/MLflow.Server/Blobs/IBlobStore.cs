namespace MLflow.Server.Blobs;

/// <summary>
/// Keeps large contents outside of the database. Names are made by <see cref="BlobName"/> alone, and one is written once: what it holds never changes.
/// Who refers to it is written down in the database, never here.
/// </summary>
internal interface IBlobStore : IDisposable
{
    /// <summary>Stores a content; it is there whole or not at all, and durable on return. Again changes nothing.</summary>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: it cannot be written now; the message has no credentials.</exception>
    Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>The content; null where there is none of the name.</summary>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: it cannot be read now.</exception>
    Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Deletes a content; nothing happens where there is none.</summary>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: it cannot be deleted now.</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken);
}
