using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Server.Secrets;

/// <summary>A key that this process has: 32 bytes, or those that MLflow's server derives from a passphrase.</summary>
internal sealed class LocalKey : IKeyEncryptionKey
{
    private const int Iterations = 600_000;

    private readonly Lazy<byte[]> _key;

    /// <param name="version">1 or more.</param>
    /// <param name="key">32 bytes.</param>
    public LocalKey(int version, byte[] key)
    {
        Version = version;
        _key = new Lazy<byte[]>(key);
    }

    /// <param name="version">1 or more; the key is another one with each.</param>
    /// <param name="passphrase">Of any length: the way from it to the key is made to be slow.</param>
    public LocalKey(int version, string passphrase)
    {
        Version = version;
        _key = new Lazy<byte[]>(() => Derive(passphrase, version));
    }

    public int Version { get; }

    public ValueTask<byte[]> WrapAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken) => new(SecretCipher.Encrypt(_key.Value, key.Span, default));

    public ValueTask<byte[]> UnwrapAsync(ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken) => new(SecretCipher.Decrypt(_key.Value, wrapped.Span, default));

    /// <summary>The key as MLflow's server derives it from MLFLOW_CRYPTO_KEK_PASSPHRASE.</summary>
    public static byte[] Derive(string passphrase, int version)
    {
        var salt = new byte["mlflow-secrets-kek-v1-2025"u8.Length + sizeof(int)];
        "mlflow-secrets-kek-v1-2025"u8.CopyTo(salt);
        BinaryPrimitives.WriteUInt32BigEndian(salt.AsSpan(salt.Length - sizeof(int)), (uint)version);
        return Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(passphrase), salt, Iterations, HashAlgorithmName.SHA256, SecretCipher.KeyBytes);
    }
}
