using MLflow.Server.Storage.TextIndex;
using Xunit;

namespace MLflow.Server.Tests.Storage.TextIndex;

public sealed class TextGramsTests
{
    [Fact]
    public void Fold_WhateverComparisonsTakeForTheSame_IsTheSame()
    {
        var pairs = Enumerable.Range(0x10000, 0x110000 - 0x10000).Where(code => code < 0x20000).Select(char.ConvertFromUtf32);
        var characters = Enumerable.Range(0, 0x10000).Select(code => ((char)code).ToString()).Concat(pairs);
        foreach (var same in characters.GroupBy(text => text, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            Assert.Single(same.Select(Folded).Distinct());
        }
    }

    [Theory]
    [InlineData("東京")]
    [InlineData("ab")]
    [InlineData("😀")]
    [InlineData("abc")]
    [InlineData("a longer one")]
    public void Of_TextThatHasATerm_HasItsGrams(string term)
    {
        foreach (var text in new[] { term, "x" + term, term + "y", "xx" + term.ToUpperInvariant() + "yy" })
        {
            var set = new TextGramSet();
            TextGrams.Of(text, set);
            var grams = set.Take();
            var folded = Folded(term);
            for (var i = 0; i + 2 < folded.Length; i++)
            {
                Assert.Contains(TextGrams.Of(folded[i], folded[i + 1], folded[i + 2]), grams);
            }

            var first = TextGrams.FirstOf(folded[0], folded[1]);
            Assert.Contains(grams, gram => gram >= first && gram < first + TextGrams.OfPair);
        }
    }

    [Fact]
    public void Of_LinesThatComeAgain_AreTheSameGrams()
    {
        var random = new Random(1);
        string[] lines = [.. Enumerable.Range(0, 12).Select(i => string.Concat(Enumerable.Range(0, i * 9).Select(_ => random.Next(20) == 0 ? "😀" : ((char)random.Next('a', 'z' + 1)).ToString())))];
        for (var i = 0; i < 300; i++)
        {
            string[] texts = [.. Enumerable.Range(0, 3).Select(_ => string.Join('\n', Enumerable.Range(0, random.Next(8)).Select(_ => lines[random.Next(lines.Length)])))];
            var set = new TextGramSet();
            Array.ForEach(texts, text => TextGrams.Of(text, set));

            Assert.Equal(texts.SelectMany(AllGrams).Distinct().Order(), set.Take().Order());
        }

        static IEnumerable<int> AllGrams(string text)
        {
            var folded = Folded(text) + '\0';
            return text.Length < 2 ? [] : Enumerable.Range(2, folded.Length - 2).Select(i => TextGrams.Of(folded[i - 2], folded[i - 1], folded[i]));
        }
    }

    private static string Folded(string text) => string.Concat(text.Select((character, i) => TextGrams.Fold(character, i == 0 ? '\0' : text[i - 1])));
}
