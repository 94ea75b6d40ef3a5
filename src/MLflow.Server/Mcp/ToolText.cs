using System.Globalization;
using System.Text;

namespace MLflow.Server.Mcp;

/// <summary>Text of strangers in the answers of tools. Its lengths are those that it has as JSON, so that no text can make an answer too large.</summary>
internal static class ToolText
{
    private const string CutSign = "…";

    /// <summary>The beginning of a text that takes at most so many bytes, without the sign of the cut.</summary>
    public static string Cut(string text, int maxBytes)
    {
        text = Whole(text);
        var length = Fit(text, 0, text.Length, maxBytes);
        return length == text.Length ? text : string.Concat(text.AsSpan(0, length), CutSign);
    }

    /// <summary>The text with U+FFFD for halves of characters, which JSON cannot hold: a slice may begin within a character.</summary>
    public static string Whole(string text)
    {
        char[]? whole = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
            }
            else
            {
                whole ??= text.ToCharArray();
                whole[i] = '\uFFFD';
            }
        }

        return whole is null ? text : new string(whole);
    }

    /// <summary>How many characters of a text fit, from a place on; characters of two code units stay whole.</summary>
    public static int Fit(string text, int offset, int limit, int maxBytes)
    {
        var end = offset + Math.Min(limit, text.Length - offset);
        var at = offset;
        while (at < end)
        {
            // Half of a pair is written as U+FFFD.
            if (Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var consumed) != System.Buffers.OperationStatus.Done)
            {
                rune = Rune.ReplacementChar;
            }

            maxBytes -= Bytes(rune);
            if (maxBytes < 0 || at + consumed > end)
            {
                break;
            }

            at += consumed;
        }

        return at - offset;
    }

    /// <summary>
    /// JSON whose characters that nobody sees (zero width, direction, tags, separators of lines) are written as escapes: the same JSON, and nothing in it is
    /// hidden from people who look at what a model was given.
    /// </summary>
    public static string Visible(string json)
    {
        var first = 0;
        while (first < json.Length && !IsSuspect(json[first]))
        {
            first++;
        }

        if (first == json.Length)
        {
            return json;
        }

        var visible = new StringBuilder(json.Length + 64).Append(json, 0, first);
        for (var i = first; i < json.Length; i++)
        {
            if (IsSuspect(json[i]) && Rune.TryGetRuneAt(json, i, out var rune) && IsHidden(rune))
            {
                foreach (var unit in json.AsSpan(i, rune.Utf16SequenceLength))
                {
                    visible.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
                }

                i += rune.Utf16SequenceLength - 1;
            }
            else
            {
                visible.Append(json[i]);
            }
        }

        return visible.ToString();
    }

    private static bool IsSuspect(char c) => c > 0x7E && (char.IsHighSurrogate(c) || IsHidden(CharUnicodeInfo.GetUnicodeCategory(c)));

    private static bool IsHidden(Rune rune) => IsHidden(Rune.GetUnicodeCategory(rune)) || IsVariation(rune.Value);

    private static bool IsHidden(UnicodeCategory category) =>
        category is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Control or UnicodeCategory.PrivateUse;

    // Those of the supplement: text has been hidden in them. The sixteen of the basic plane belong to emoji.
    private static bool IsVariation(int value) => value is >= 0xE0100 and <= 0xE01EF;

    /// <summary>At least what the encoder of answers writes.</summary>
    private static int Bytes(Rune rune) => rune.Value switch
    {
        '"' or '\\' or '\n' or '\r' or '\t' => 2,
        < ' ' => 6,
        < 0x7F => 1,

        // Written as escapes, as is what has no meaning; half of a pair becomes U+FFFD.
        _ when !rune.IsBmp => 12,
        _ when rune == Rune.ReplacementChar || IsHidden(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator => 6,
        _ => rune.Utf8SequenceLength,
    };
}
