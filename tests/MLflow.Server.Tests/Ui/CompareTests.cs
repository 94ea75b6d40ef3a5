using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Compare;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class CompareTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(SomeTrace.StartMs + 1_000_000);

    [Theory]
    [InlineData("It is hot in Paris.", "It is cold in Paris.", "It is -[hot]+[cold] in Paris.")]
    [InlineData("a b", "a b", "a b")]
    [InlineData("", "new", "+[new]")]
    [InlineData("old", "", "-[old]")]
    [InlineData("東京は暑いです。", "大阪は暑いです。", "-[東京]+[大阪]は暑いです。")]
    [InlineData("a\n\nb 😀", "a\n\nb 😁", "a\n\nb -[😀]+[😁]")]
    public void Diff_OfTexts_IsByWords(string first, string second, string expected) => Assert.Equal(expected, Text(WordDiff.Of(first, second)));

    [Fact]
    public void Diff_OfVeryLongTexts_ShowsBothAsTheyAre()
    {
        var (first, second) = (new string('a', 30_000), new string('b', 30_000));
        Assert.Equal([new DiffPiece(DiffKind.Removed, first), new DiffPiece(DiffKind.Added, second)], WordDiff.Of(first, second));
    }

    [Fact]
    public void Diff_OfAnyTexts_HasBothInIt()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var (first, second) = (Some(random), Some(random));
            var pieces = WordDiff.Of(first, second);
            Assert.True(first == string.Concat(pieces.Where(piece => piece.Kind != DiffKind.Added).Select(piece => piece.Text)), $"seed {seed}: {first}");
            Assert.True(second == string.Concat(pieces.Where(piece => piece.Kind != DiffKind.Removed).Select(piece => piece.Text)), $"seed {seed}: {second}");
        }

        static string Some(Random random) => string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => random.GetItems(["a", "bc", " ", "\n", "東", "😀", "\ud800", ".", "é"], 1)[0]));
    }

    [Fact]
    public void Rows_OfAnyLists_HaveEachItemOnceInItsOrderBesideWhatIsAlike()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var lists = Enumerable.Range(0, random.Next(1, 5)).Select(_ => (IReadOnlyList<string>)[.. Enumerable.Range(0, random.Next(8)).Select(_ => random.GetItems(["a", "b", "c"], 1)[0])]).ToList();
            var rows = Alignment.Of(lists);
            for (var list = 0; list < lists.Count; list++)
            {
                Assert.True(Enumerable.Range(0, lists[list].Count).SequenceEqual(rows.Select(row => row[list]).OfType<int>()), $"seed {seed}, round {round}");
            }

            Assert.All(rows, row => Assert.Single(row.Select((item, list) => item is { } at ? lists[list][at] : null).OfType<string>().Distinct()));
        }
    }

    [Fact]
    public void View_OfTwoTraces_PutsStepsAndFactsBesideEachOther()
    {
        var view = new CompareView(
            [
                (SomeTrace.Info(SomeTrace.NewOtelId()) with { DurationMs = 1000, Tags = new Dictionary<string, string> { ["env"] = "a" } }, [SomeSpan.Of(1, 0, "AGENT", 0, 1000), SomeSpan.Of(2, 1, "TOOL", 1, 5)]),
                (SomeTrace.Info(SomeTrace.NewOtelId()) with { DurationMs = 1000, Tags = new Dictionary<string, string> { ["env"] = "b" } }, [SomeSpan.Of(1, 0, "AGENT", 0, 500)]),
            ],
            Now);

        Assert.Equal([(true, true), (true, false)], view.Steps.Select(row => (row[0] is not null, row[1] is not null)));

        // As their rows say it.
        Assert.Equal(["1.00\u00A0s", "500\u00A0ms"], view.Facts.Single(fact => fact.Name == "Latency").Values);
        Assert.True(view.Facts.Single(fact => fact.Name == "State").IsSame);
        Assert.Equal(["a", "b"], view.Facts.Single(fact => fact.Name == "env").Values);
        Assert.DoesNotContain(view.Facts, fact => fact.Name == "Session");
        Assert.Equal(1000, view.LongestMs);
        Assert.Equal("compare?traces=tr-a,tr-%2Cb", CompareView.Url(["tr-a", "tr-,b"]));
    }

    [Fact]
    public void Messages_OfTwoTraces_ShowWhatDiffers()
    {
        var view = new CompareView([Golden("chat_plain"), Golden("chat_plain")], Now);

        Assert.NotEmpty(view.Messages);
        Assert.All(view.Messages, row => Assert.True(row[1]!.IsSame));
        Assert.All(view.Messages, row => Assert.False(row[0]!.IsSame));

        static (TraceInfo, IReadOnlyList<SpanRecord>) Golden(string name) => (SomeTrace.Info(SomeTrace.NewOtelId()), GoldenTrace.Load(name));
    }

    private static string Text(IEnumerable<DiffPiece> pieces) => string.Concat(pieces.Select(piece => piece.Kind switch { DiffKind.Added => $"+[{piece.Text}]", DiffKind.Removed => $"-[{piece.Text}]", _ => piece.Text }));
}
