namespace MLflow.Server;

/// <summary>
/// Encrypts the keys by which secrets are encrypted, for example with a key that never leaves a cloud's key management service. What it returned once it must be
/// able to decrypt as long as secrets have its <see cref="Version"/>; <c>mlflow secrets rotate</c> brings all of them to the newest.
/// </summary>
public interface IKeyEncryptionKey
{
    /// <summary>Tells keys apart, 1 or more. New secrets are encrypted with the key of the highest.</summary>
    int Version { get; }

    /// <summary>Encrypts 32 bytes.</summary>
    ValueTask<byte[]> WrapAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken);

    /// <summary>Decrypts what <see cref="WrapAsync"/> returned.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It was encrypted with another key, or has been changed.</exception>
    ValueTask<byte[]> UnwrapAsync(ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken);
}
