using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace MLflow.Server.Blobs;

/// <summary>
/// Names of contents: the SHA-256 of the content, and eight digits that no other has. Nothing that a client sent gets into one. The digits keep a content that comes
/// again apart from the one before it that is being deleted.
/// </summary>
internal static partial class BlobName
{
    private const int HashDigits = 64;
    private const int OwnBytes = 4;

    public static string HashOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>A new name, for example <c>ab/cd/abcd…-01234567</c>: the folders keep directories small.</summary>
    public static string New(string hash) => $"{hash[..2]}/{hash[2..4]}/{hash}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(OwnBytes))}";

    /// <summary>The SHA-256 that the content of the name has.</summary>
    public static string HashIn(string name) => name.Substring(name.LastIndexOf('/') + 1, HashDigits);

    /// <summary>Sees that a name is one of ours: a damaged row must not name anything else.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    public static string Require(string name) => Name().IsMatch(name) ? name : throw new ArgumentException($"'{name}' is no name of a blob.", nameof(name));

    [GeneratedRegex("^(?<a>[0-9a-f]{2})/(?<b>[0-9a-f]{2})/\\k<a>\\k<b>[0-9a-f]{60}-[0-9a-f]{8}$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
