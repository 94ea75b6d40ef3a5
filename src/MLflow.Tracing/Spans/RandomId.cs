using System.Diagnostics;

namespace MLflow;

/// <summary>
/// Ids of traces and spans. They must differ, not be secret: the runtime's own come from the kernel's random numbers, at a system call each, which is more
/// than all the rest that a call's thread pays.
/// </summary>
internal static class RandomId
{
    public static ActivityTraceId Trace()
    {
        Span<byte> bytes = stackalloc byte[16];
        Fill(bytes);
        return ActivityTraceId.CreateFromBytes(bytes);
    }

    public static ActivitySpanId Span()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return ActivitySpanId.CreateFromBytes(bytes);
    }

    /// <summary>Whether the text is a trace's id: 32 hexadecimal digits in lower case, not all zero.</summary>
    public static bool IsTrace(ReadOnlySpan<char> text) => text.Length == 32 && IsId(text);

    /// <summary>Whether the text is a span's id: 16 hexadecimal digits in lower case, not all zero.</summary>
    public static bool IsSpan(ReadOnlySpan<char> text) => text.Length == 16 && IsId(text);

    private static bool IsId(ReadOnlySpan<char> text)
    {
        foreach (var digit in text)
        {
            if (!char.IsAsciiHexDigitLower(digit))
            {
                return false;
            }
        }

        return text.ContainsAnyExcept('0');
    }

    private static void Fill(Span<byte> bytes)
    {
        do
        {
            Random.Shared.NextBytes(bytes);
        }
        while (!bytes.ContainsAnyExcept((byte)0));
    }
}
