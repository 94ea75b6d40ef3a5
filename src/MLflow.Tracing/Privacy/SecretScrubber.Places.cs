using System.Buffers;

namespace MLflow;

/// <content>What to look for at a place where there is one of the groups of <see cref="SecretSearch"/>.</content>
internal static partial class SecretScrubber
{
    private static readonly SearchValues<byte> LetterBytes = Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<byte> CredentialBytesOfNames = Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    private static readonly int Jwt = GroupOf("eyj");
    private static readonly int AzureKey = GroupOf("jqq");
    private static readonly int Bearer = GroupOf("bea");
    private static readonly int Key = GroupOf("key");
    private static readonly int Url = GroupOf("://");
    private static readonly int EscapedUrl = GroupOf(":\\/");
    private static readonly int Escape = GroupOf("\\u0");
    private static readonly int[] Names = [.. new[] { "key", "ssw", "pwd", "ecr", "riz", "kie", "cce", "efr", "uth", "ws_" }.Select(GroupOf)];

    private static bool IsSuspect(ReadOnlySpan<byte> bytes, int at)
    {
        var group = SecretSearch.GroupAt(bytes, at);
        if (group == Url)
        {
            return IsSuspectUrl(bytes, at + 3);
        }

        if (group == Escape)
        {
            return IsUnusualEscape(bytes, at);
        }

        if (group == EscapedUrl)
        {
            return true;
        }

        if (Array.IndexOf(Names, group) >= 0)
        {
            // A private key has its name in its first line.
            return (group == Key && bytes[at..].StartsWith("KEY"u8) && bytes[at..Math.Min(bytes.Length, at + 14)].IndexOf("-----"u8) >= 0)
                || (NameAt(bytes, at, out var end) != SecretKind.None && IsFollowedByValue(bytes, end));
        }

        return TryToken(bytes, at, group, isLoose: true, out _)
            || (group == Jwt && TryJwt(bytes, at, isLoose: true, out _))
            || (group == Bearer && TryBearer(bytes, at, isLoose: true, out _))
            || (group == AzureKey && TryAzureKey(bytes, at, out _));
    }

    private static void Collect(ReadOnlySpan<byte> text, int at, ref List<(int Start, int End)>? found)
    {
        var group = SecretSearch.GroupAt(text, at);
        if (group == Url)
        {
            CollectUrl(text, at + 3, ref found);
            return;
        }

        if (group == Key && TryPrivateKey(text, at, out var secret))
        {
            (found ??= []).Add(secret);
            return;
        }

        if (Array.IndexOf(Names, group) >= 0 && NameAt(text, at, out var end) is not SecretKind.None and var kind && TryNamed(text, kind, end, out secret))
        {
            (found ??= []).Add(secret);
            return;
        }

        if (TryToken(text, at, group, isLoose: false, out secret)
            || (group == Jwt && TryJwt(text, at, isLoose: false, out secret))
            || (group == Bearer && TryBearer(text, at, isLoose: false, out secret))
            || (group == AzureKey && TryAzureKey(text, at, out secret)))
        {
            (found ??= []).Add(secret);
        }
    }

    /// <summary>
    /// Writers of JSON spell quotes, signs of HTML and what is not ASCII as <c>\u00xx</c>. Whoever spells letters, digits and other signs so hides them, by
    /// accident or not.
    /// </summary>
    private static bool IsUnusualEscape(ReadOnlySpan<byte> bytes, int at) =>
        EscapedAscii(bytes, at) is > 0x1F and < 0x7F and not ('"' or '&' or '\'' or '+' or '<' or '>' or '`');
}
