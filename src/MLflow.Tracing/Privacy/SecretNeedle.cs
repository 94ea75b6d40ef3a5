using System.Buffers;
using System.Text;

namespace MLflow;

/// <summary>A text that is looked for in all the ways in which JSON, in as many layers as there are, and URLs write it.</summary>
internal sealed class SecretNeedle
{
    /// <summary>A shorter text is found as a word of its own only: elsewhere it may stand by chance.</summary>
    private const int LeastWithinWords = 8;

    /// <summary>Letters alone, as many of them, are no name.</summary>
    private const int LeastOfNoWord = 24;

    /// <summary>Characters that nobody escapes who does not mean to hide them, which <see cref="SecretScrubber"/> sees by itself.</summary>
    private static readonly SearchValues<byte> PlainBytes = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"u8);

    private readonly byte[] _text;
    private readonly bool _isShort;

    public SecretNeedle(byte[] text)
    {
        _text = text;
        _isShort = text.Length < LeastWithinWords;
        IsWord = text.Length < LeastOfNoWord && text.All(letter => char.IsAsciiLetter((char)letter) || letter == (byte)'_');
        Anchor = LongestPlain(text);
    }

    public int Length => _text.Length;

    /// <summary>Whether it could be the name of something.</summary>
    public bool IsWord { get; }

    /// <summary>The longest part of it that is the same however the text is written.</summary>
    public ReadOnlyMemory<byte> Anchor { get; }

    /// <summary>Adds the places at which it stands.</summary>
    public void Collect(ReadOnlySpan<byte> text, ref List<(int Start, int End)>? found)
    {
        var from = 0;
        while (Next(text, from, out var end) is >= 0 and var at)
        {
            if (_isShort && IsPartOfWord(text, at, end))
            {
                from = Behind(text, at);
                continue;
            }

            (found ??= []).Add((at, end));
            from = end;
        }
    }

    /// <summary>Whether it might stand in one of several texts with other bytes between them. Those are no part of a word.</summary>
    public bool MayStandIn(ReadOnlySpan<byte> bytes) => Next(bytes, 0, out _) >= 0;

    /// <returns>Where it stands next, as a word or within one; -1 where it does not.</returns>
    private int Next(ReadOnlySpan<byte> text, int from, out int end)
    {
        for (var at = from; at < text.Length;)
        {
            var next = text[at..].IndexOfAny(_text[0], (byte)'\\', (byte)'%');
            if (next < 0)
            {
                // What is not ASCII begins with a byte of its own, so that is all of it.
                break;
            }

            at += next;
            if (TryMatch(text, at, isUrl: false, out end) || TryMatch(text, at, isUrl: true, out end))
            {
                return at;
            }

            at = Behind(text, at);
        }

        end = text.Length;
        return -1;
    }

    // A run of backslashes is looked at once: a text of nothing else would take the square of its length.
    private static int Behind(ReadOnlySpan<byte> text, int at) => at + Math.Max(1, Slashes(text, at));

    /// <param name="text">What is looked at.</param>
    /// <param name="start">Where it is to begin.</param>
    /// <param name="isUrl">Whether <c>%</c> begins an escape, and <c>+</c> is a blank. A text may read both ways.</param>
    /// <param name="end">Where it ends.</param>
    private bool TryMatch(ReadOnlySpan<byte> text, int start, bool isUrl, out int end)
    {
        var isEscaped = false;
        end = start;
        for (var n = 0; n < _text.Length;)
        {
            var slashes = Slashes(text, end);
            var isSlash = _text[n] == (byte)'\\';
            if (isSlash && slashes > 0)
            {
                // Each layer doubles them. What follows may have more of them before it, which are in this run.
                var own = Slashes(_text, n);
                if (EscapedUnit(text, end + slashes) == '\\')
                {
                    (end, n) = (end + slashes + 5, n + 1);
                    continue;
                }

                if (slashes < own)
                {
                    return false;
                }

                (end, n, isEscaped) = (end + slashes, n + own, true);
                continue;
            }

            // Where a letter begins it, the backslash before belongs to something else.
            if (n == 0 && slashes > 0 && end + slashes < text.Length && text[end + slashes] == _text[0] && PlainBytes.Contains(_text[0]))
            {
                return false;
            }

            end += slashes;
            if (!TryCharacter(text, ref end, ref n, isEscaped || slashes > 0, isUrl))
            {
                return false;
            }

            isEscaped = false;
        }

        return true;
    }

    /// <summary>Goes over one character, as itself or escaped.</summary>
    private bool TryCharacter(ReadOnlySpan<byte> text, ref int at, ref int n, bool isEscaped, bool isUrl)
    {
        var rest = _text.AsSpan(n);
        var length = Rune.DecodeFromUtf8(rest, out var rune, out var decoded) == OperationStatus.Done ? decoded : 0;
        if (isEscaped && length > 0 && TryUnits(text, ref at, rune))
        {
            n += length;
            return true;
        }

        if (at >= text.Length)
        {
            return false;
        }

        if (isEscaped && LetterOf(rest[0]) is var letter and not 0 && text[at] == letter)
        {
            (at, n) = (at + 1, n + 1);
            return true;
        }

        if (isUrl && text[at] == (byte)'%')
        {
            if (at + 2 >= text.Length || ((SecretScrubber.Hex(text[at + 1]) << 4) | SecretScrubber.Hex(text[at + 2])) != rest[0])
            {
                return false;
            }

            (at, n) = (at + 3, n + 1);
            return true;
        }

        if (isUrl && text[at] == (byte)'+' && rest[0] == (byte)' ')
        {
            (at, n) = (at + 1, n + 1);
            return true;
        }

        // Of bytes that are no text one by one.
        length = Math.Max(length, 1);
        if (text[at..].StartsWith(rest[..length]))
        {
            (at, n) = (at + length, n + length);
            return true;
        }

        return false;
    }

    /// <summary><c>uXXXX</c> behind backslashes, and for some characters a second one.</summary>
    private static bool TryUnits(ReadOnlySpan<byte> text, ref int at, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        var count = rune.EncodeToUtf16(units);
        if (EscapedUnit(text, at) != units[0])
        {
            return false;
        }

        if (count == 1)
        {
            at += 5;
            return true;
        }

        var second = at + 5 + Slashes(text, at + 5);
        if (EscapedUnit(text, second) != units[1])
        {
            return false;
        }

        at = second + 5;
        return true;
    }

    /// <summary>The unit of UTF-16 that <c>uXXXX</c> at a place means; -1 where none stands there.</summary>
    private static int EscapedUnit(ReadOnlySpan<byte> text, int at)
    {
        if (at + 5 > text.Length || text[at] != (byte)'u')
        {
            return -1;
        }

        var unit = 0;
        foreach (var digit in text.Slice(at + 1, 4))
        {
            var value = SecretScrubber.Hex(digit);
            if (value < 0)
            {
                return -1;
            }

            unit = (unit << 4) | value;
        }

        return unit;
    }

    private static byte LetterOf(byte character) => character switch
    {
        (byte)'\n' => (byte)'n',
        (byte)'\r' => (byte)'r',
        (byte)'\t' => (byte)'t',
        (byte)'\b' => (byte)'b',
        (byte)'\f' => (byte)'f',
        _ => 0,
    };

    private static int Slashes(ReadOnlySpan<byte> text, int at)
    {
        var end = at;
        while (end < text.Length && text[end] == (byte)'\\')
        {
            end++;
        }

        return end - at;
    }

    private static bool IsPartOfWord(ReadOnlySpan<byte> text, int start, int end) =>
        SecretScrubber.IsInWord(text, start) || (end < text.Length && char.IsAsciiLetterOrDigit((char)text[end]));

    private static ReadOnlyMemory<byte> LongestPlain(byte[] text)
    {
        var (best, length) = (0, 0);
        for (var at = 0; at < text.Length;)
        {
            var rest = text.AsSpan(at);
            var run = rest.IndexOfAnyExcept(PlainBytes) is >= 0 and var stop ? stop : rest.Length;
            if (run > length)
            {
                (best, length) = (at, run);
            }

            at += run + 1;
        }

        return text.AsMemory(best, length);
    }
}
