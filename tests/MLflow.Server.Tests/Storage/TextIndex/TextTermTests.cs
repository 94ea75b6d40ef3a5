using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces.Filters;
using Xunit;

namespace MLflow.Server.Tests.Storage.TextIndex;

public sealed class TextTermTests
{
    [Theory]
    [InlineData("plain words", "plain words")]
    [InlineData("\"city\": \"東京\"", "city|東京")]
    [InlineData("\"name\": \"x\"", "x")]
    [InlineData("ame\": 5", "5")]
    [InlineData("one\\ntwo", "one|two")]
    [InlineData("one\\u001ftwo", "one|two")]
    [InlineData("nfoo", "foo")]
    [InlineData("001ftwo", "two")]
    [InlineData("{\"a b\": [ 1.5 , true]}", "a b|1.5|true")]
    [InlineData("\\", "")]
    [InlineData("", "")]
    public void JsonRuns_OfAPiece_StandInTheTextToo(string piece, string runs) => Assert.Equal(runs, string.Join('|', TextTerm.JsonRuns(piece)));

    [Theory]
    [InlineData("trace.text LIKE '%東京%'", true)]
    [InlineData("trace.text LIKE '%京%'", false)]
    [InlineData("trace.text LIKE '%a_b%'", false)]
    [InlineData("trace.text ILIKE '%one%' AND name = 'x'", true)]
    [InlineData("trace.text ILIKE '%one%' OR name = 'x'", false)]
    [InlineData("trace.text ILIKE '%one%' OR span.content LIKE '%two%'", true)]
    [InlineData("NOT trace.text ILIKE '%one%'", false)]
    [InlineData("span.attributes.key > 5", true)]
    [InlineData("span.attributes.key IS NULL", false)]
    [InlineData("span.name LIKE '%one%'", false)]
    public void Need_OfAFilter_IsThereWhereTheIndexHelps(string filter, bool isThere) => Assert.Equal(isThere, TextNeed.Of(TraceFilter.Parse(filter)) is not null);

    [Theory]
    [InlineData("trace.text ILIKE '%Tokyo%'", "tokyo", "kyoto")]
    [InlineData("trace.text LIKE '%東京%' AND trace.text LIKE '%one%'", "one 東京", "one 京都")]
    [InlineData("trace.text LIKE '%two%' OR trace.text LIKE '%one%'", "xtwox", "xonx")]
    [InlineData("span.content LIKE '%: \"two words\"%'", "two words", "two worlds")]
    public void Find_Segment_LeavesOutWhatCannotMatch(string filter, string matching, string other)
    {
        var set = new TextGramSet();
        var pairs = new List<int>();
        foreach (var (place, text) in new[] { (3, matching), (70, other) })
        {
            TextGrams.Of(text, set);
            pairs.AddRange(set.Take().Select(gram => TextSegment.Pair(gram, place)));
        }

        pairs.Sort();
        var pages = TextSegment.Encode([.. pairs]);
        Assert.Equal([1UL << 3, 0, 0, 0, 0, 0, 0, 0], TextNeed.Of(TraceFilter.Parse(filter))!.Find(page => pages[page]));
    }
}
