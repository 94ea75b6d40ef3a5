using System.Runtime.CompilerServices;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>
/// Three characters that follow each other, without their case, as a number of <see cref="Bits"/> bits. Those that begin with the same two characters are neighbours,
/// so that terms of two characters are found too. Different characters may have the same number: what the index finds is looked at once more.
/// </summary>
internal static class TextGrams
{
    public const int Bits = PairBits + ThirdBits;

    /// <summary>Numbers that begin with the same two characters.</summary>
    public const int OfPair = 1 << ThirdBits;

    private const int PairBits = 17;
    private const int Pairs = 1 << PairBits;
    private const int AsciiBits = 7;

    /// <summary>Pairs of ASCII have a number of their own, each: they are so frequent that another pair with the same number would be found everywhere.</summary>
    private const int AsciiPairs = 1 << (2 * AsciiBits);

    /// <summary>Odd, so that multiplying by it only changes the order of numbers: all parts of their range are used alike.</summary>
    private const uint Spread = 0x9E3779B1;

    /// <summary>Of the third character a part only: it makes the index a tenth smaller, and finds hardly more than it must.</summary>
    private const int ThirdBits = 5;

    /// <summary>What follows the last character of a text.</summary>
    private const char End = '\0';

    private static readonly char[] Folds = [.. Enumerable.Range(0, char.MaxValue + 1).Select(c => char.ToUpperInvariant((char)c))];

    /// <summary>Whether a first half of a pair begins characters that have a case. All second halves are then alike, which finds more than it must.</summary>
    private static bool HasCase(char highSurrogate) => highSurrogate is '\uD801' or '\uD803' or '\uD806' or '\uD81B' or '\uD83A';

    /// <summary>Takes the case from a character. What <see cref="StringComparison.OrdinalIgnoreCase"/> takes for the same is the same then.</summary>
    /// <param name="character">The character.</param>
    /// <param name="before">The one that stands before it, or any other where there is none.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static char Fold(char character, char before) => before >= '\uD801' && HasCase(before) ? '\uDC00' : Folds[character];

    /// <summary>Says all grams of a text, some of them several times. What is within a line that the set has seen, it has already: spans repeat what others of their trace say.</summary>
    public static void Of(ReadOnlySpan<char> text, TextGramSet grams)
    {
        for (var start = 0; start <= text.Length;)
        {
            var length = text[start..].IndexOf('\n');
            var end = length < 0 ? text.Length : start + length;
            var within = grams.See(text[start..end]) ? Math.Min(start + 2, end) : end;
            Of(text, start, within, grams);
            Of(text, end, end + 1, grams);
            start = end + 1;
        }
    }

    /// <summary>Says the grams whose third characters are in a part of a text, or follow its end.</summary>
    private static void Of(ReadOnlySpan<char> text, int from, int to, TextGramSet grams)
    {
        from = Math.Max(from, 2);
        if (from >= to || from > text.Length)
        {
            return;
        }

        var first = Fold(text[from - 2], from > 2 ? text[from - 3] : End);
        var second = Fold(text[from - 1], text[from - 2]);
        for (var i = from; i < to; i++)
        {
            var third = i < text.Length ? Fold(text[i], text[i - 1]) : End;
            grams.Add(Of(first, second, third));
            (first, second) = (second, third);
        }
    }

    /// <summary>The gram of three folded characters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Of(char first, char second, char third) =>
        FirstOf(first, second) | (third < 128 ? third & (OfPair - 1) : (int)((third * Spread) >> (32 - ThirdBits)));

    /// <summary>The lowest of the grams that begin with two folded characters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstOf(char first, char second)
    {
        var pair = (first | second) < 1 << AsciiBits ? (uint)(first << AsciiBits | second) : AsciiPairs + ((((uint)first << 16 | second) * Spread >> 8) % (Pairs - AsciiPairs));
        return (int)(pair * Spread & (Pairs - 1)) << ThirdBits;
    }
}
