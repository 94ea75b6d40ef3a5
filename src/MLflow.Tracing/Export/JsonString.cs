using System.Buffers;
using System.Text;

namespace MLflow;

/// <summary>Writes JSON strings, of which only what JSON demands is escaped.</summary>
internal static class JsonString
{
    private const int LargestOnStack = 256;

    /// <summary><c>\u00xx</c></summary>
    private const int LongestEscape = 6;

    private static readonly SearchValues<byte> Escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(code => (byte)code), (byte)'"', (byte)'\\']);

    /// <param name="target">Takes the string, in quotes.</param>
    /// <param name="text">Half a surrogate pair becomes U+FFFD.</param>
    public static void Write(ProtobufWriter target, string text)
    {
        var most = text.Length * 3;
        var rented = most > LargestOnStack ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> utf8 = rented ?? stackalloc byte[LargestOnStack];
        Write(target, utf8[..Encoding.UTF8.GetBytes(text, utf8)]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <param name="target">Takes the string, in quotes.</param>
    /// <param name="utf8">Valid UTF-8.</param>
    /// <param name="suffix">More of it, which needs no escaping.</param>
    public static void Write(ProtobufWriter target, ReadOnlySpan<byte> utf8, ReadOnlySpan<byte> suffix = default)
    {
        // JSON within JSON has an escape every few bytes: there is room for all of them from the start.
        var room = target.GetSpan((utf8.Length * LongestEscape) + suffix.Length + 2);
        room[0] = (byte)'"';
        var length = 1;
        while (utf8.IndexOfAny(Escaped) is >= 0 and var at)
        {
            utf8[..at].CopyTo(room[length..]);
            length += at;
            length += WriteEscaped(room[length..], utf8[at]);
            utf8 = utf8[(at + 1)..];
        }

        utf8.CopyTo(room[length..]);
        length += utf8.Length;
        suffix.CopyTo(room[length..]);
        length += suffix.Length;
        room[length] = (byte)'"';
        target.Advance(length + 1);
    }

    /// <returns>How many bytes were written.</returns>
    private static int WriteEscaped(Span<byte> room, byte character)
    {
        room[0] = (byte)'\\';
        if (character is (byte)'"' or (byte)'\\')
        {
            room[1] = character;
            return 2;
        }

        if (character == (byte)'\n')
        {
            room[1] = (byte)'n';
            return 2;
        }

        "u00"u8.CopyTo(room[1..]);
        room[4] = (byte)('0' + (character >> 4));
        room[5] = (byte)"0123456789abcdef"[character & 15];
        return LongestEscape;
    }
}
