using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Server.Access;

/// <summary>
/// A token as its holder has it: <c>mlf_</c>, the id, an underscore and 256 random bits. They need no slow hash: nobody can try them all.
/// The beginning lets scanners of repositories recognise it.
/// </summary>
internal sealed record TokenSecret(string TokenId, string Text)
{
    private const string Prefix = "mlf_";
    private const int IdBytes = 6;
    private const int SecretBytes = 32;
    private const int IdLength = IdBytes * 2;

    public byte[] Hash() => SHA256.HashData(Encoding.UTF8.GetBytes(Text));

    public static TokenSecret Create()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        return new TokenSecret(id, $"{Prefix}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}");
    }

    /// <summary>False where the text cannot be a token.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out TokenSecret? secret)
    {
        const int MaxLength = 100;
        secret = text.Length is > 4 + IdLength + 1 and < MaxLength && text.StartsWith(Prefix, StringComparison.Ordinal) && text[Prefix.Length + IdLength] == '_'
            ? new TokenSecret(text.Substring(Prefix.Length, IdLength), text)
            : null;
        return secret is not null;
    }
}
