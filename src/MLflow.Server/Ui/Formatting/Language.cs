namespace MLflow.Server.Ui.Formatting;

/// <summary>Tells a text's language from its script, for the <c>lang</c> attribute that fonts and line breaking go by.</summary>
public static class Language
{
    // A page needs no more than the opening of a text to be set right.
    private const int Looked = 2000;

    // Han alone is Chinese or a short Japanese phrase (東京都); real Japanese sentences of this length have kana in them.
    private const int HanOfASentence = 12;

    /// <summary><c>ja</c>, <c>ko</c>, <c>zh</c>, or null where the script says nothing that changes how text is set.</summary>
    public static string? Of(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        var han = 0;
        var hangul = 0;
        foreach (var rune in text.AsSpan(0, Math.Min(text.Length, Looked)).EnumerateRunes())
        {
            switch (rune.Value)
            {
                case >= 0x3041 and <= 0x30FF or >= 0x31F0 and <= 0x31FF or >= 0xFF66 and <= 0xFF9D:
                    return "ja";
                case >= 0xAC00 and <= 0xD7AF or >= 0x1100 and <= 0x11FF:
                    hangul++;
                    break;
                case >= 0x3400 and <= 0x9FFF or >= 0xF900 and <= 0xFAFF or >= 0x20000 and <= 0x323AF:
                    han++;
                    break;
            }
        }

        return hangul > 0 ? "ko" : han >= HanOfASentence ? "zh" : han > 0 ? "ja" : null;
    }
}
