using System.Buffers;

namespace MLflow;

/// <content>Secrets that are known by the name before them.</content>
internal static partial class SecretScrubber
{
    private const int MaxNameLength = 64;

    /// <summary>Most bytes between a name and its value: quotes, escapes, spaces, a colon or an equals sign.</summary>
    private const int MaxSeparatorLength = 24;

    private static readonly SearchValues<byte> ValueEnds = SearchValues.Create(" \t\r\n\"'`\\;&,<>(){}[]|\0"u8);
    private static readonly SearchValues<byte> ConnectionValueEnds = SearchValues.Create("\t\r\n\"'`\\;\0"u8);
    private static readonly SearchValues<byte> HeaderEnds = SearchValues.Create("\r\n\"`\\\0"u8);
    private static readonly SearchValues<byte> SignBytes = Bytes("0123456789!@#$%^&*+/=~?");

    /// <summary>What a value is called, if the words at a place are a name.</summary>
    /// <param name="text">What is looked at.</param>
    /// <param name="at">Somewhere in the name.</param>
    /// <param name="end">Where it ends.</param>
    private static SecretKind NameAt(ReadOnlySpan<byte> text, int at, out int end)
    {
        var before = text[Math.Max(0, at - MaxNameLength)..at];
        var start = at - before.Length + (before.LastIndexOfAnyExcept(TokenBytes) + 1);
        var rest = text[at..Math.Min(text.Length, at + MaxNameLength)];
        end = at + Run(rest, TokenBytes);

        // As people write it.
        if (start >= 4 && StartsWithWord(text[(start - 4)..], "api "u8))
        {
            start -= 4;
        }

        return SecretNames.Of(text[start..end]);
    }

    /// <summary>Whether a name is followed by what stands before a value, or is the end of its text, as the key of an attribute is.</summary>
    private static bool IsFollowedByValue(ReadOnlySpan<byte> bytes, int end)
    {
        foreach (var next in bytes[end..Math.Min(bytes.Length, end + MaxSeparatorLength)])
        {
            if (next is (byte)':' or (byte)'=' or (byte)'%' or (byte)'\\' or < 0x20 or >= 0x7F)
            {
                return true;
            }

            if (!IsBetween(next))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Finds the secret value of a name.</summary>
    /// <param name="text">What is looked at.</param>
    /// <param name="kind">What the name says.</param>
    /// <param name="end">Where the name ends.</param>
    /// <param name="found">The value.</param>
    private static bool TryNamed(ReadOnlySpan<byte> text, SecretKind kind, int end, out (int Start, int End) found)
    {
        found = default;
        if (!TryValueStart(text, end, out var start, out var isAssigned, out var isSpaced))
        {
            return false;
        }

        var rest = text[start..Math.Min(text.Length, start + MaxValueLength)];
        int length;
        switch (kind)
        {
            case SecretKind.Authorization:
                length = Until(rest, HeaderEnds);
                found = (start, start + length);
                return IsAuthorization(rest[..length]);
            case SecretKind.Cookie:
                length = Until(rest, HeaderEnds);
                found = (start, start + length);
                return IsCookie(rest[..length]);
            case SecretKind.Key:
                length = Run(rest, CredentialBytes);
                found = (start, start + length);
                return IsKey(rest[..length]);
            default:
                if (isAssigned && !isSpaced && IsPartOfConnection(text, end, rest))
                {
                    length = Until(rest, ConnectionValueEnds);
                    found = (start, start + length);
                    return length > 0 && !rest.StartsWith(MarkBytes);
                }

                length = Until(rest, ValueEnds);
                found = (start, start + length);
                return IsPassword(rest[..length]) && !(start + length < text.Length && text[start + length] is (byte)'(');
        }
    }

    /// <summary>Whether a whole value with a name of its own, as in JSON, is secret.</summary>
    public static bool IsSecret(SecretKind kind, ReadOnlySpan<byte> value) => kind switch
    {
        SecretKind.Authorization => IsAuthorization(value) || IsKey(value),
        SecretKind.Cookie => IsCookie(value),
        SecretKind.Key => value.IndexOfAnyExcept(CredentialBytes) < 0 && IsKey(value),
        SecretKind.Password => value.Length >= 6 && !value.ContainsAny((byte)' ', (byte)'\n') && !IsPlaceholder(value),
        _ => false,
    };

    private static bool TryValueStart(ReadOnlySpan<byte> text, int end, out int start, out bool isAssigned, out bool isSpaced)
    {
        start = end;
        isAssigned = false;
        isSpaced = false;
        var hasSeparator = false;
        var last = Math.Min(text.Length, end + MaxSeparatorLength);
        while (start < last)
        {
            var next = text[start];
            if (next == (byte)'\\' && start + 6 <= text.Length && EscapedAscii(text, start) is '"' or '\'')
            {
                start += 6;
                continue;
            }

            if (!hasSeparator && next == (byte)'%' && text[start..].StartsWith("%3D"u8))
            {
                (hasSeparator, isAssigned) = (true, true);
                start += 3;
                continue;
            }

            if (next is (byte)':' or (byte)'=')
            {
                if (hasSeparator && next != (byte)'=')
                {
                    break;
                }

                hasSeparator = true;
                isAssigned |= next == (byte)'=';
            }
            else if (next == (byte)'>' && hasSeparator)
            {
                // As in "password" => "…".
            }
            else if (!IsBetween(next))
            {
                break;
            }

            isSpaced |= next == (byte)' ';
            start++;
        }

        return hasSeparator && start < text.Length;
    }

    private static bool IsBetween(byte next) => next is (byte)' ' or (byte)'"' or (byte)'\'' or (byte)'\\' or (byte)'`' or (byte)']' or (byte)'*';

    private static int Until(ReadOnlySpan<byte> text, SearchValues<byte> ends) => text.IndexOfAny(ends) is >= 0 and var end ? end : text.Length;

    /// <summary>Another <c>Name=</c> follows, or one came before.</summary>
    private static bool IsPartOfConnection(ReadOnlySpan<byte> text, int nameEnd, ReadOnlySpan<byte> value)
    {
        var name = nameEnd - 1;
        while (name >= 0 && name > nameEnd - MaxNameLength && (TokenBytes.Contains(text[name]) || text[name] == (byte)' '))
        {
            name--;
        }

        if (name >= 0 && text[name] == (byte)';')
        {
            return true;
        }

        var end = Until(value, ConnectionValueEnds);
        if (end == value.Length || value[end] != (byte)';')
        {
            return false;
        }

        var next = value[(end + 1)..];
        var word = next.IndexOfAnyExcept(TokenBytes) is var stop && stop > 0 && next[stop] == (byte)' ' ? stop + 1 + Run(next[(stop + 1)..], TokenBytes) : stop;
        return word > 0 && word < next.Length && next[word] == (byte)'=';
    }

    /// <summary>A scheme and credentials, or credentials alone.</summary>
    private static bool IsAuthorization(ReadOnlySpan<byte> value)
    {
        value = value.Trim((byte)' ');
        var scheme = Run(value, TokenBytes);
        if (scheme is > 1 and < 24 && scheme < value.Length && value[scheme] == (byte)' ')
        {
            var credentials = value[(scheme + 1)..];
            var length = Run(credentials, CredentialBytes);
            var isScheme = StartsWithWord(value, "basic "u8) || StartsWithWord(value, "bearer "u8) || StartsWithWord(value, "token "u8) || StartsWithWord(value, "digest "u8)
                || StartsWithWord(value, "apikey "u8) || StartsWithWord(value, "negotiate "u8) || StartsWithWord(value, "ntlm "u8) || StartsWithWord(value, "aws4-hmac-sha256 "u8);
            return isScheme && length >= 6 && (length >= 16 || credentials[..length].ContainsAny(SignBytes));
        }

        return IsKey(value[..Run(value, CredentialBytes)]);
    }

    private static bool IsCookie(ReadOnlySpan<byte> value)
    {
        var name = Run(value, TokenBytes);
        if (name == 0 || name + 1 >= value.Length || value[name] != (byte)'=')
        {
            return false;
        }

        return Until(value[(name + 1)..], ValueEnds) >= 6;
    }

    /// <summary>Long, and not a word. A key may end in <c>==</c>.</summary>
    private static bool IsKey(ReadOnlySpan<byte> value) =>
        value.Length >= 16 && value.ContainsAny(DigitBytes) && value.ContainsAny(LetterBytes) && !value.StartsWith("/"u8);

    private static bool IsPassword(ReadOnlySpan<byte> value) => value.Length >= 6 && value.ContainsAny(SignBytes) && !IsPlaceholder(value);

    private static bool IsPlaceholder(ReadOnlySpan<byte> value) =>
        value[0] is (byte)'$' or (byte)'%' or (byte)'{' or (byte)'<' or (byte)'[' or (byte)'*' || value.IndexOfAnyExcept(value[0]) < 0
        || value.SequenceEqual("string"u8) || value.SequenceEqual("password"u8);
}
