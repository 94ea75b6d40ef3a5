using System.Buffers;

namespace MLflow;

/// <content>Secrets in URLs: user and password before the host, parameters after the path.</content>
internal static partial class SecretScrubber
{
    /// <summary>A longer URL is looked at as far as that.</summary>
    private const int MaxUrlLength = 4096;

    private static readonly SearchValues<byte> UrlEnds = SearchValues.Create([.. Enumerable.Range(0, 0x21).Select(code => (byte)code), .. "\"'<>\\`{}|^"u8, 0x7F]);
    private static readonly SearchValues<byte> AuthorityEnds = SearchValues.Create("/?#"u8);
    private static readonly SearchValues<byte> ParameterStarts = SearchValues.Create("?#&;"u8);

    /// <param name="bytes">What is looked at.</param>
    /// <param name="at">Behind <c>://</c>.</param>
    private static bool IsSuspectUrl(ReadOnlySpan<byte> bytes, int at)
    {
        var url = UrlAt(bytes, at);

        // In text with escapes (\u0026 for &) the URL goes on behind a backslash; to take it for longer than it is does no harm here.
        if (url.IndexOfAny(UrlEnds) is >= 0 and var end)
        {
            var goesOn = url[end] == (byte)'\\';
            if (!goesOn && !url[..end].ContainsAny((byte)'@', (byte)'?', (byte)'#') && !IsSlackHook(url[..end]))
            {
                return false;
            }

            url = url[..end];
            if (goesOn && (url.ContainsAny((byte)'?', (byte)'#') || !url.Contains((byte)'/')))
            {
                return true;
            }
        }

        if (AuthorityOf(url).Contains((byte)'@') || IsSlackHook(url))
        {
            return true;
        }

        List<(int, int)>? found = null;
        CollectParameters(url, 0, ref found);
        return found is not null;
    }

    private static void CollectUrl(ReadOnlySpan<byte> text, int at, ref List<(int Start, int End)>? found)
    {
        var url = UrlAt(text, at);
        url = url[..Until(url, UrlEnds)];
        var authority = AuthorityOf(url);
        if (authority.LastIndexOf((byte)'@') is > 0 and var user && !url.StartsWith(MarkBytes))
        {
            (found ??= []).Add((at, at + user));
        }

        if (IsSlackHook(url))
        {
            (found ??= []).Add((at + authority.Length + 1, at + url.Length));
        }

        CollectParameters(url, at, ref found);
    }

    /// <summary>What may be a URL. Another one in it has a look of its own: no byte is looked at for more than one.</summary>
    private static ReadOnlySpan<byte> UrlAt(ReadOnlySpan<byte> text, int at)
    {
        var url = text[at..Math.Min(text.Length, at + MaxUrlLength)];
        return url.IndexOf("://"u8) is >= 0 and var next ? url[..next] : url;
    }

    private static ReadOnlySpan<byte> AuthorityOf(ReadOnlySpan<byte> url) => url[..Until(url, AuthorityEnds)];

    private static bool IsSlackHook(ReadOnlySpan<byte> url) => StartsWithWord(url, "hooks.slack.com/"u8) && url.Length > 32;

    private static void CollectParameters(ReadOnlySpan<byte> url, int offset, ref List<(int Start, int End)>? found)
    {
        var at = 0;
        while (url[at..].IndexOfAny(ParameterStarts) is >= 0 and var next)
        {
            at += next + 1;
            var rest = url[at..];
            if (rest.StartsWith("amp;"u8))
            {
                at += 4;
                rest = url[at..];
            }

            var name = Run(rest, CredentialBytesOfNames);
            if (name == 0 || name >= rest.Length || rest[name] != (byte)'=' || !SecretNames.IsOfUrl(rest[..name]))
            {
                continue;
            }

            var value = rest[(name + 1)..];
            var length = Until(value, ParameterStarts);
            if (IsUrlSecret(rest[..name], value[..length]))
            {
                (found ??= []).Add((offset + at + name + 1, offset + at + name + 1 + length));
            }

            at += name + 1 + length;
        }
    }

    /// <summary><c>?code=US</c> and <c>?key=home</c> are no secrets.</summary>
    private static bool IsUrlSecret(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (value.StartsWith(MarkBytes) || value.SequenceEqual("REDACTED"u8))
        {
            return false;
        }

        var isWeak = StartsWithWord(name, "code"u8) || StartsWithWord(name, "key"u8) || StartsWithWord(name, "auth"u8) || StartsWithWord(name, "token"u8);
        return value.Length >= (isWeak ? 12 : 4) && (!isWeak || value.ContainsAny(DigitBytes));
    }
}
