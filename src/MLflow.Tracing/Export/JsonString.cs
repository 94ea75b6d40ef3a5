using System.Buffers;
using System.Text;

namespace MLflow;

/// <summary>Writes JSON strings, of which only what JSON demands is escaped.</summary>
internal static class JsonString
{
    private const int LargestOnStack = 256;

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
        target.Write("\""u8);
        while (utf8.IndexOfAny(Escaped) is >= 0 and var at)
        {
            target.Write(utf8[..at]);
            WriteEscaped(target, utf8[at]);
            utf8 = utf8[(at + 1)..];
        }

        target.Write(utf8);
        target.Write(suffix);
        target.Write("\""u8);
    }

    private static void WriteEscaped(ProtobufWriter target, byte character)
    {
        if (character is (byte)'"' or (byte)'\\')
        {
            target.Write([(byte)'\\', character]);
        }
        else if (character == (byte)'\n')
        {
            target.Write("\\n"u8);
        }
        else
        {
            target.Write([(byte)'\\', (byte)'u', (byte)'0', (byte)'0', (byte)('0' + (character >> 4)), (byte)"0123456789abcdef"[character & 15]]);
        }
    }
}
