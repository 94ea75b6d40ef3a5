namespace MLflow.Server.Ui.Streaming;

/// <summary>The text of a stream in the pieces that it came in, with each noticeable pause where it happened.</summary>
public static class StreamText
{
    private const string Strong = "**";

    public static IReadOnlyList<StreamPiece> Of(StreamView stream)
    {
        // A mark without its partner is text, and a mark may be cut in two by a chunk's end: then nothing is emphasised.
        var whole = string.Concat(stream.Chunks.Where(chunk => chunk.Kind == ChunkKind.Text).Select(chunk => chunk.Text));
        var marks = stream.Chunks.Where(chunk => chunk.Kind == ChunkKind.Text).Sum(chunk => Marks(chunk.Text));
        var emphasises = marks % 2 == 0 && marks == Marks(whole);
        var pieces = new List<StreamPiece>();
        var isStrong = false;
        for (var i = 0; i < stream.Chunks.Count; i++)
        {
            var chunk = stream.Chunks[i];
            if (!chunk.HasTokens)
            {
                continue;
            }

            var text = chunk.Text;
            if (i > 0 && chunk.GapMs > StreamView.StallMs)
            {
                // The pause stands before the words that it held up, not at the end of the paragraph before.
                var lineEnds = text.Length - text.TrimStart('\n').Length;
                if (lineEnds > 0)
                {
                    pieces.Add(new StreamPiece(i, text[..lineEnds], chunk.Kind, isStrong));
                    text = text[lineEnds..];
                }

                pieces.Add(new StreamPiece(i, "", chunk.Kind, false, chunk.GapMs));
            }

            if (chunk.Kind != ChunkKind.Text || !emphasises)
            {
                pieces.Add(new StreamPiece(i, text, chunk.Kind, false));
                continue;
            }

            var parts = text.Split(Strong);
            for (var part = 0; part < parts.Length; part++)
            {
                isStrong = part > 0 ? !isStrong : isStrong;
                if (parts[part].Length > 0)
                {
                    pieces.Add(new StreamPiece(i, parts[part], chunk.Kind, isStrong));
                }
            }
        }

        return pieces;
    }

    private static int Marks(string text) => text.Split(Strong).Length - 1;
}
