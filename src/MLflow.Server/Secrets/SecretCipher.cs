using System.Security.Cryptography;

namespace MLflow.Server.Secrets;

/// <summary>AES-256-GCM with what is needed to decrypt around the text: <c>nonce(12) ‖ ciphertext ‖ tag(16)</c>, as MLflow's server stores it.</summary>
internal static class SecretCipher
{
    public const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <param name="key">32 bytes.</param>
    /// <param name="plain">What is encrypted.</param>
    /// <param name="bound">What has to be the same at decryption, and is not stored with it.</param>
    public static byte[] Encrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> bound)
    {
        var result = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(result.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(result.AsSpan(0, NonceBytes), plain, result.AsSpan(NonceBytes, plain.Length), result.AsSpan(NonceBytes + plain.Length), bound);
        return result;
    }

    /// <exception cref="CryptographicException">It was encrypted with another key or bound to something else, or has been changed.</exception>
    public static byte[] Decrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> stored, ReadOnlySpan<byte> bound)
    {
        if (stored.Length < NonceBytes + TagBytes)
        {
            throw new CryptographicException("It is too short.");
        }

        var plain = new byte[stored.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(stored[..NonceBytes], stored[NonceBytes..^TagBytes], stored[^TagBytes..], plain, bound);
        return plain;
    }
}
