using System.Text;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>
/// Cuts text into pieces about as large as tokens: a word with the blank before it, a mark of punctuation, a character of a script
/// that is written without blanks.
/// </summary>
internal static class TextPieces
{
    public static IReadOnlyList<string> Split(string text)
    {
        var pieces = new List<string>();
        var piece = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            var isWord = rune.IsAscii && (Rune.IsLetterOrDigit(rune) || rune.Value is '\'' or '_');
            if (!isWord)
            {
                Flush();
            }

            piece.Append(rune.ToString());
            if (!isWord && rune.Value != ' ')
            {
                Flush();
            }
        }

        Flush();
        return pieces;

        void Flush()
        {
            if (piece.Length > 0)
            {
                pieces.Add(piece.ToString());
                piece.Clear();
            }
        }
    }

    public static int Count(string text) => Split(text).Count;
}
