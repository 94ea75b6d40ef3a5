using System.Buffers;
using System.Text;

namespace MLflow;

/// <summary>
/// Knows keys and other credentials by their looks, and takes them out of text. What is found is judged by what stands around it, so that text about keys
/// stays. Nothing is allocated where nothing is found.
/// </summary>
internal static partial class SecretScrubber
{
    /// <summary>Stands where a secret stood.</summary>
    public const string Mark = "[REDACTED]";

    private const int LargestOnStack = 512;

    /// <summary>How often escapes within escapes are undone.</summary>
    private const int MaxUnescaped = 3;

    /// <summary>Most bytes of a value that are looked at, but for private keys: no header is longer.</summary>
    private const int MaxValueLength = 16 << 10;

    private static ReadOnlySpan<byte> MarkBytes => "[REDACTED]"u8;

    /// <summary>
    /// Whether bytes that hold UTF-8 text, JSON or not, with other bytes between the texts, might have a secret in one of them. Says yes too often, and
    /// never no where <see cref="Scrub(string)"/> would find one.
    /// </summary>
    public static bool Suspects(ReadOnlySpan<byte> bytes)
    {
        for (var at = SecretSearch.Next(bytes, 0); at >= 0; at = SecretSearch.Next(bytes, at + 1))
        {
            if (IsSuspect(bytes, at))
            {
                return true;
            }
        }

        return KnownSecrets.Suspects(bytes);
    }

    /// <returns>The text without its secrets; null where it has none.</returns>
    public static string? Scrub(string text) => Scrub(text, onlyKnown: false);

    /// <inheritdoc cref="Scrub(string)"/>
    /// <param name="text">What is looked at.</param>
    /// <param name="onlyKnown">Whether to look for <see cref="KnownSecrets"/> alone.</param>
    /// <param name="isName">Whether it names something, as the members of JSON are named: a known secret that could be such a name stays.</param>
    public static string? Scrub(string text, bool onlyKnown, bool isName = false)
    {
        if (onlyKnown && !KnownSecrets.HasAny)
        {
            return null;
        }

        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        var rented = most > LargestOnStack ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> utf8 = rented ?? stackalloc byte[LargestOnStack];
        utf8 = utf8[..Encoding.UTF8.GetBytes(text, utf8)];
        var scrubbed = onlyKnown ? ScrubKnown(utf8, isName) : Scrub(utf8, 0, isName);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return scrubbed is null ? null : Encoding.UTF8.GetString(scrubbed);
    }

    /// <returns>The text without its secrets; null where it has none.</returns>
    public static byte[]? Scrub(ReadOnlySpan<byte> text) => Scrub(text, 0, isName: false);

    private static byte[]? ScrubKnown(ReadOnlySpan<byte> text, bool isName)
    {
        List<(int Start, int End)>? found = null;
        KnownSecrets.Collect(text, isName, ref found);
        return found is null ? null : Without(text, found);
    }

    private static byte[]? Scrub(ReadOnlySpan<byte> text, int depth, bool isName)
    {
        List<(int Start, int End)>? found = null;
        var isEscaped = false;
        var at = SecretSearch.Next(text, 0);
        while (at >= 0)
        {
            isEscaped |= text[at] == (byte)'\\' || text[at + 1] == (byte)'\\';
            Collect(text, at, ref found);

            // What is taken out anyway is not looked at again: a text that repeats what begins a secret would take the square of its length.
            at = SecretSearch.Next(text, Math.Max(at + 1, found is null ? 0 : found[^1].End));
        }

        KnownSecrets.Collect(text, isName, ref found);
        if (isEscaped && depth < MaxUnescaped && Unescape(text) is { } plain && Scrub(plain, depth + 1, isName) is { } scrubbed)
        {
            return scrubbed;
        }

        return found is null ? null : Without(text, found);
    }

    private static byte[] Without(ReadOnlySpan<byte> text, List<(int Start, int End)> found)
    {
        found.Sort();
        var result = new MemoryStream(text.Length);
        var kept = 0;
        foreach (var (start, end) in found)
        {
            if (start >= kept)
            {
                result.Write(text[kept..start]);
                result.Write(MarkBytes);
            }

            kept = Math.Max(kept, end);
        }

        result.Write(text[kept..]);
        return result.ToArray();
    }

    /// <summary>JSON that is quoted in text, or was cut, may spell any character as <c>\u00xx</c>, and a slash as <c>\/</c>.</summary>
    /// <returns>Null where nothing is spelled so.</returns>
    private static byte[]? Unescape(ReadOnlySpan<byte> text)
    {
        MemoryStream? plain = null;
        var kept = 0;
        for (var at = 0; at + 1 < text.Length; at++)
        {
            if (text[at] != (byte)'\\')
            {
                continue;
            }

            var length = text[at + 1] == (byte)'/' ? 2 : EscapedAscii(text, at) is > 0x1F and < 0x7F ? 6 : 0;
            if (length > 0)
            {
                (plain ??= new MemoryStream(text.Length)).Write(text[kept..at]);
                plain.WriteByte(length == 2 ? (byte)'/' : (byte)EscapedAscii(text, at));
                kept = at + length;
                at = kept - 1;
            }
        }

        plain?.Write(text[kept..]);
        return plain?.ToArray();
    }

    /// <summary>The character that <c>\u00xx</c> at a place means; -1 where none stands there.</summary>
    private static int EscapedAscii(ReadOnlySpan<byte> text, int at) =>
        text.Length - at >= 6 && text[at + 1] == (byte)'u' && text[at + 2] == (byte)'0' && text[at + 3] == (byte)'0'
        && Hex(text[at + 4]) is >= 0 and var high && Hex(text[at + 5]) is >= 0 and var low
            ? (high << 4) | low
            : -1;

    /// <summary>-1 for what is no digit.</summary>
    public static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
