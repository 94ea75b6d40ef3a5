using MLflow.Server.Ui.Playground;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class TextPiecesTests
{
    [Fact]
    public void Of_ATextThatGrows_KeepsAllPiecesButTheLast()
    {
        var text = string.Concat(Enumerable.Range(0, 900).Select(i => $"{i} 東京 🌧 "));
        List<string> before = [];
        foreach (var length in (int[])[1, 999, 1000, 1001, 1500, 3333, 5000, text.Length])
        {
            var pieces = TextPieces.Of(text[..length]).ToList();
            Assert.Equal(text[..length], string.Concat(pieces));
            Assert.Equal(before.SkipLast(1), pieces.Take(Math.Max(0, before.Count - 1)));
            Assert.All(pieces.SkipLast(1), piece => Assert.InRange(piece.Length, 1000, 1001));
            Assert.All(pieces.SkipLast(1), piece => Assert.False(char.IsHighSurrogate(piece[^1])));
            before = pieces;
        }

        Assert.Empty(TextPieces.Of(""));
    }
}
