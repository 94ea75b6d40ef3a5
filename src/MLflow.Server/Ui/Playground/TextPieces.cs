namespace MLflow.Server.Ui.Playground;

/// <summary>Cuts a text that grows into pieces that stay: of one that is drawn again as it comes, only what is new is sent to the browser.</summary>
public static class TextPieces
{
    /// <summary>Characters of a piece.</summary>
    private const int Length = 1000;

    /// <summary>Together they are the text. When it goes on, all but the last are the same again.</summary>
    public static IEnumerable<string> Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        for (var from = 0; from < text.Length;)
        {
            var to = Math.Min(text.Length, from + Length);

            // Two halves of a character would each be broken on their own.
            to += to < text.Length && char.IsHighSurrogate(text[to - 1]) ? 1 : 0;
            yield return text[from..to];
            from = to;
        }
    }
}
