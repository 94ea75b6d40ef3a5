using System.Security.Cryptography;

namespace MLflow.Server.Access.Http;

/// <summary>Encrypts the keys in the database with a passphrase that is not in it (AES-256-GCM; the key is derived by PBKDF2, once for each salt).</summary>
internal sealed class KeyPassphrase
{
    private const int Iterations = 600_000;
    private const int KeyBytes = 32;
    private const int SaltBytes = 16;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly string? _passphrase;

    /// <param name="passphrase">Null for none: keys are kept as they are, protected as the database file is.</param>
    public KeyPassphrase(string? passphrase) => _passphrase = passphrase;

    public bool IsGiven => _passphrase is not null;

    public byte[] Encrypt(ReadOnlySpan<byte> plain)
    {
        var result = new byte[SaltBytes + NonceBytes + TagBytes + plain.Length];
        var salt = result.AsSpan(0, SaltBytes);
        var nonce = result.AsSpan(SaltBytes, NonceBytes);
        RandomNumberGenerator.Fill(salt);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(Derive(salt), TagBytes);
        aes.Encrypt(nonce, plain, result.AsSpan(SaltBytes + NonceBytes + TagBytes), result.AsSpan(SaltBytes + NonceBytes, TagBytes));
        return result;
    }

    /// <exception cref="CryptographicException">There is no passphrase, or another one; or somebody has changed what is stored.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> stored)
    {
        if (stored.Length < SaltBytes + NonceBytes + TagBytes)
        {
            throw new CryptographicException("The stored key is too short.");
        }

        var plain = new byte[stored.Length - SaltBytes - NonceBytes - TagBytes];
        using var aes = new AesGcm(Derive(stored[..SaltBytes]), TagBytes);
        aes.Decrypt(stored.Slice(SaltBytes, NonceBytes), stored[(SaltBytes + NonceBytes + TagBytes)..], stored.Slice(SaltBytes + NonceBytes, TagBytes), plain);
        return plain;
    }

    private byte[] Derive(ReadOnlySpan<byte> salt) => Rfc2898DeriveBytes.Pbkdf2(
        _passphrase ?? throw new CryptographicException("The keys of cookies are encrypted with a passphrase: set MLFLOW_SERVER_KEY_PASSPHRASE_FILE."), salt, Iterations, HashAlgorithmName.SHA256, KeyBytes);
}
