using System.Buffers;
using System.Text;

namespace MLflow;

/// <content>Secrets that are known by their own looks.</content>
internal static partial class SecretScrubber
{
    private static readonly SearchValues<byte> TokenBytes = Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly SearchValues<byte> AlphanumericBytes = Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    private static readonly SearchValues<byte> UpperBytes = Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    private static readonly SearchValues<byte> HexBytes = Bytes("0123456789abcdefABCDEF");
    private static readonly SearchValues<byte> CredentialBytes = Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/=");
    private static readonly SearchValues<byte> DigitBytes = Bytes("0123456789");

    /// <summary>
    /// Tokens by the group that finds them: how far before it they begin, the beginning, the bytes that follow and how many at least, and whether there must
    /// be a digit among them (what has none is a word: <c>sk-fading-circle</c>).
    /// </summary>
    private static readonly Dictionary<int, Token[]> Tokens = Known(
        new("sk-", 0, "sk-", TokenBytes, 16, NeedsDigit: true),
        new("sk_", 0, "sk_live_", AlphanumericBytes, 16),
        new("sk_", 0, "sk_test_", AlphanumericBytes, 16),
        new("sk_", 1, "gsk_", AlphanumericBytes, 20),
        new("hp_", 1, "ghp_", AlphanumericBytes, 20),
        new("ho_", 1, "gho_", AlphanumericBytes, 20),
        new("hu_", 1, "ghu_", AlphanumericBytes, 20),
        new("hs_", 1, "ghs_", AlphanumericBytes, 20),
        new("hr_", 1, "ghr_", AlphanumericBytes, 20),
        new("hub", 3, "github_pat_", TokenBytes, 20),
        new("glp", 0, "glpat-", TokenBytes, 16),
        new("npm", 0, "npm_", AlphanumericBytes, 30),
        new("hf_", 0, "hf_", AlphanumericBytes, 24),
        new("xai", 0, "xai-", AlphanumericBytes, 40),
        new("pp-", 2, "xapp-", TokenBytes, 12, NeedsDigit: true),
        new("xox", 0, "xoxa-", TokenBytes, 10),
        new("xox", 0, "xoxb-", TokenBytes, 10),
        new("xox", 0, "xoxe-", TokenBytes, 10),
        new("xox", 0, "xoxe.", CredentialBytes, 10),
        new("xox", 0, "xoxo-", TokenBytes, 10),
        new("xox", 0, "xoxp-", TokenBytes, 10),
        new("xox", 0, "xoxr-", TokenBytes, 10),
        new("xox", 0, "xoxs-", TokenBytes, 10),
        new("kia", 1, "AKIA", UpperBytes, 16),
        new("asi", 0, "ASIA", UpperBytes, 16),
        new("aiz", 0, "AIza", TokenBytes, 30),
        new("29.", 2, "ya29.", CredentialBytes, 20),
        new("goc", 0, "GOCSPX-", TokenBytes, 16),
        new("dap", 0, "dapi", HexBytes, 32));

    private static SearchValues<byte> Bytes(string characters) => SearchValues.Create(Encoding.ASCII.GetBytes(characters));

    private static int GroupOf(string text) => SecretSearch.GroupAt(Encoding.ASCII.GetBytes(text), 0);

    private static Dictionary<int, Token[]> Known(params Token[] tokens) =>
        tokens.GroupBy(token => GroupOf(token.Group)).ToDictionary(group => group.Key, group => group.ToArray());

    private static bool TryToken(ReadOnlySpan<byte> text, int at, int group, bool isLoose, out (int Start, int End) found)
    {
        found = default;
        if (!Tokens.TryGetValue(group, out var tokens))
        {
            return false;
        }

        foreach (var token in tokens)
        {
            var start = at - token.Before;
            if (start < 0 || !text[start..].StartsWith(token.Prefix) || (!isLoose && IsInWord(text, start)))
            {
                continue;
            }

            var rest = text[(start + token.Prefix.Length)..];
            var length = Run(rest, token.Following);
            if ((isLoose && IsCutByEscape(rest, length)) || (length >= token.Least && (!token.NeedsDigit || length >= 40 || rest[..length].ContainsAny(DigitBytes))))
            {
                found = (start, start + token.Prefix.Length + length);
                return true;
            }
        }

        return false;
    }

    /// <summary><c>eyJ…​.eyJ….signature</c>: the beginning of a JSON object in base64, and at least one more part.</summary>
    private static bool TryJwt(ReadOnlySpan<byte> text, int at, bool isLoose, out (int Start, int End) found)
    {
        found = default;
        if (!text[at..].StartsWith("eyJ"u8) || (!isLoose && IsInWord(text, at)))
        {
            return false;
        }

        // The next one may begin within this run: it must not be read on to the end of the text each time.
        var end = at + Run(text[at..Math.Min(text.Length, at + MaxValueLength)], TokenBytes);
        if (end - at < 12)
        {
            return false;
        }

        var parts = 1;
        while (parts < 5 && end + 1 < text.Length && text[end] == (byte)'.')
        {
            var length = Run(text[(end + 1)..], TokenBytes);
            if (length == 0 && parts > 1)
            {
                break;
            }

            // An encrypted one may have an empty part.
            end += 1 + length;
            parts++;
        }

        found = (at, end);
        return parts > 1 && end - at >= 24;
    }

    /// <summary>A key of Azure's that says so itself: 84 letters and digits, of which five are always the same.</summary>
    private static bool TryAzureKey(ReadOnlySpan<byte> text, int at, out (int Start, int End) found)
    {
        const int before = 52;
        const int length = 84;
        found = (at - before, at - before + length);
        return at >= before && text.Length >= found.End && (text[at..].StartsWith("JQQJ9"u8))
            && Run(text[found.Start..], AlphanumericBytes) >= length;
    }

    /// <summary>From <c>-----BEGIN … PRIVATE KEY-----</c> to its end, or to the end of the text.</summary>
    private static bool TryPrivateKey(ReadOnlySpan<byte> text, int at, out (int Start, int End) found)
    {
        found = default;
        const int longestKind = 40;
        if (!text[at..].StartsWith("KEY-----"u8) && !text[at..].StartsWith("KEY BLOCK-----"u8))
        {
            return false;
        }

        var head = text[Math.Max(0, at - longestKind)..at];
        var begin = head.LastIndexOf("-----BEGIN "u8);
        if (begin < 0 || !head[begin..].EndsWith("PRIVATE "u8))
        {
            return false;
        }

        var tail = text[at..];
        var end = tail.IndexOf("-----END "u8);
        if (end >= 0)
        {
            var last = tail[(end + 9)..].IndexOf("-----"u8);
            end = last < 0 ? tail.Length : end + 9 + last + 5;
        }

        found = (at - head.Length + begin, at + (end < 0 ? tail.Length : end));
        return true;
    }

    /// <summary><c>Bearer</c> and a token.</summary>
    private static bool TryBearer(ReadOnlySpan<byte> text, int at, bool isLoose, out (int Start, int End) found)
    {
        found = default;
        if (!StartsWithWord(text[at..], "bearer"u8))
        {
            return false;
        }

        var start = at + 6;
        while (start < text.Length && text[start] is (byte)' ' or (byte)'\t' or (byte)':' or (byte)'=' or (byte)'"' or (byte)'\'' or (byte)'+')
        {
            start++;
        }

        if (text[start..].StartsWith("%20"u8))
        {
            start += 3;
        }

        if (start == at + 6)
        {
            return isLoose && start < text.Length && text[start] == (byte)'\\';
        }

        var rest = text[start..Math.Min(text.Length, start + MaxValueLength)];
        var length = Run(rest, CredentialBytes);
        if (isLoose && IsCutByEscape(rest, length))
        {
            return true;
        }

        var token = text.Slice(start, length).TrimEnd((byte)'.');
        found = (start, start + token.Length);
        return token.Length >= (isLoose ? 6 : 8) && (isLoose || token.Length >= 20 || token.ContainsAny(DigitBytes));
    }

    /// <summary>In JSON as it is written a value may go on behind a backslash.</summary>
    private static bool IsCutByEscape(ReadOnlySpan<byte> text, int length) => length < text.Length && text[length] == (byte)'\\';

    private static int Run(ReadOnlySpan<byte> text, SearchValues<byte> allowed) =>
        text.IndexOfAnyExcept(allowed) is >= 0 and var end ? end : text.Length;

    /// <summary>Whether what begins at a place goes on from a word before it. Escapes (<c>\n</c>, <c>\u0022</c>, <c>%20</c>) end in letters that are none.</summary>
    public static bool IsInWord(ReadOnlySpan<byte> text, int start)
    {
        if (start == 0 || !AlphanumericBytes.Contains(text[start - 1]))
        {
            return false;
        }

        var before = text[..start];
        return !(before.Length >= 2 && before[^2] == (byte)'\\' && before[^1] is (byte)'n' or (byte)'r' or (byte)'t')
            && !(before.Length >= 6 && EscapedAscii(before, before.Length - 6) >= 0 && before[^6] == (byte)'\\')
            && !(before.Length >= 3 && before[^3] == (byte)'%' && Hex(before[^2]) >= 0 && Hex(before[^1]) >= 0);
    }

    /// <param name="text">What is looked at.</param>
    /// <param name="lowerCase">What it should begin with, in any case.</param>
    private static bool StartsWithWord(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase) =>
        text.Length >= lowerCase.Length && Ascii.EqualsIgnoreCase(text[..lowerCase.Length], lowerCase);

    private sealed record Token(string Group, int Before, byte[] Prefix, SearchValues<byte> Following, int Least, bool NeedsDigit)
    {
        public Token(string group, int before, string prefix, SearchValues<byte> following, int least, bool NeedsDigit = false)
            : this(group, before, Encoding.ASCII.GetBytes(prefix), following, least, NeedsDigit)
        {
        }
    }
}
