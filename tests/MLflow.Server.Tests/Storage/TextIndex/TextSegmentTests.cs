using MLflow.Server.Storage.TextIndex;
using Xunit;

namespace MLflow.Server.Tests.Storage.TextIndex;

public sealed class TextSegmentTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(1, TextSegment.Traces)]
    [InlineData(300, TextSegment.Traces)]
    [InlineData(20_000, 40)]
    public void Encode_AnyPairs_AreReadAndFoundAgain(int grams, int traces)
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var pairs = new SortedSet<int>();
        for (var i = 0; i < grams; i++)
        {
            // Neighbours, ends of pages and blocks, and grams of every frequency.
            var gram = random.Next(3) == 0 && pairs.Count > 0 ? Math.Min((pairs.Max >> TextSegment.PlaceBits) + 1, (1 << TextGrams.Bits) - 1) : random.Next(1 << TextGrams.Bits);
            var some = random.Next(4) == 0 ? traces : random.Next(1, 1 + Math.Min(traces, 9));
            pairs.UnionWith(Enumerable.Range(0, some).Select(_ => TextSegment.Pair(gram, random.Next(traces))));
        }

        var all = pairs.ToArray();
        var pages = TextSegment.Encode(all);
        var read = new List<int>();
        for (var page = 0; page < pages.Length; page++)
        {
            TextSegment.Decode(page, pages[page], read);
        }

        Assert.True(all.SequenceEqual(read), $"seed {seed}");
        foreach (var gram in all.Select(pair => pair >> TextSegment.PlaceBits).Distinct().Take(500).Append(random.Next(1 << TextGrams.Bits)))
        {
            Assert.Equal(all.Where(pair => pair >> TextSegment.PlaceBits == gram).Select(TextSegment.PlaceOf), Places(pages, gram, 1));
            var first = gram & ~(TextGrams.OfPair - 1);
            var ofPair = all.Where(pair => pair >> TextSegment.PlaceBits >= first && pair >> TextSegment.PlaceBits < first + TextGrams.OfPair);
            Assert.Equal(ofPair.Select(TextSegment.PlaceOf).Distinct().Order(), Places(pages, first, TextGrams.OfPair));
        }
    }

    [Fact]
    public void Build_InAnyParts_IsTheSameSegment()
    {
        var random = new Random(1);
        int[][] traces = [.. Enumerable.Range(0, 60).Select(_ => Enumerable.Range(0, 3000).Select(_ => random.Next(1 << random.Next(1, TextGrams.Bits + 1))).Distinct().ToArray())];
        var pairs = traces.SelectMany((grams, place) => grams.Select(gram => TextSegment.Pair(gram, place))).Order().ToArray();

        var state = TextSegmentState.Open(null);
        byte[][] pages = [];
        foreach (var part in traces.Chunk(25))
        {
            using var build = new TextSegmentBuild(state, pages.Select((grams, page) => (page, grams)));
            Array.ForEach(part, grams => build.Add(new WaitingTrace("tr", -1, 0), grams));
            (state, pages) = (build.State, build.Encode());
        }

        Assert.Equal(TextSegment.Encode(pairs), pages);

        using var swept = new TextSegmentBuild(state, pages.Select((grams, page) => (page, grams)));
        swept.Keep(Enumerable.Range(10, 20).ToHashSet());
        Assert.Equal(TextSegment.Encode([.. pairs.Where(pair => TextSegment.PlaceOf(pair) is >= 10 and < 30)]), swept.Encode());
    }

    [Fact]
    public void Encode_GramInAnyNumberOfTraces_IsPassedOver()
    {
        var random = new Random(1);
        for (var count = 1; count <= TextSegment.Traces; count++)
        {
            int[][] places = [[.. Enumerable.Range(0, TextSegment.Traces).OrderBy(_ => random.Next()).Take(count).Order()], [.. Enumerable.Range(0, count).Select(i => i * TextSegment.Traces / count)]];
            var pages = TextSegment.Encode([.. places.SelectMany((ofGram, gram) => ofGram.Select(place => TextSegment.Pair(gram, place))), TextSegment.Pair(2, 77)]);
            Assert.Equal([77], Places(pages, 2, 1));
        }
    }

    [Fact]
    public void Read_DamagedPages_Ends()
    {
        var random = new Random(1);
        var page = TextSegment.Encode([.. Enumerable.Range(0, 2000).Select(i => TextSegment.Pair(i / 3, i % 3))])[0];
        for (var i = 0; i < 2000; i++)
        {
            var damaged = page[..random.Next(page.Length + 1)];
            for (var j = 0; j < 3 && damaged.Length > 0; j++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            TextSegment.Decode(0, damaged, []);
            TextSegment.Find(damaged, random.Next(1 << 15), 1, new ulong[TextSegment.Words]);
        }
    }

    private static IEnumerable<int> Places(byte[][] pages, int gram, int count)
    {
        var found = new ulong[TextSegment.Words];
        TextSegment.Find(pages[TextSegment.PageOf(gram)], gram, count, found);
        return Enumerable.Range(0, TextSegment.Traces).Where(place => (found[place >> 6] >> place & 1) != 0);
    }
}
