using DiffPlex;

namespace MLflow.Server.Ui.Compare;

/// <summary>Cuts a text into words, each space and sign for itself, and each character of scripts that have no spaces, so that a difference in Japanese is not the whole sentence.</summary>
internal sealed class WordChunker : IChunker
{
    public static readonly WordChunker Instance = new();

    public IReadOnlyList<string> Chunk(string text)
    {
        var chunks = new List<string>();
        var start = -1;
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsLetterOrDigit(text[i]) && text[i] < '\u2E80')
            {
                start = start < 0 ? i : start;
                continue;
            }

            if (start >= 0)
            {
                chunks.Add(text[start..i]);
                start = -1;
            }

            var length = char.IsSurrogatePair(text, i) ? 2 : 1;
            chunks.Add(text.Substring(i, length));
            i += length - 1;
        }

        if (start >= 0)
        {
            chunks.Add(text[start..]);
        }

        return chunks;
    }
}
