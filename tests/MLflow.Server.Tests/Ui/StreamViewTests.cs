using MLflow.Server.Ui.Spans;
using MLflow.Server.Ui.Streaming;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class StreamViewTests
{
    [Fact]
    public void Of_TimesInMicroseconds_AreRead()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("chat_stream"));
        var stream = StreamView.Of(tree.Rows[0].Span)!;

        Assert.All(stream.Chunks, chunk => Assert.InRange(chunk.AtMs, 0, tree.TotalMs + 1));
        Assert.Contains(stream.Chunks, chunk => chunk.Kind == ChunkKind.Text && chunk.Text.Length > 0);
    }

    [Fact]
    public void Of_ToolCallChunks_ShowNameAndArguments()
    {
        var stream = StreamView.Of(SpanTree.Build(GoldenTrace.Load("chat_stream_tools")).Rows[0].Span)!;

        Assert.StartsWith("get_weather", stream.Chunks[0].Text, StringComparison.Ordinal);
        Assert.Contains("""{"city":"Par""", string.Concat(stream.Chunks.Select(chunk => chunk.Text)), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_Chunks_KnowTheirGapsAndTheLongestStall()
    {
        var span = new SpanView(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000).Streamed((400, "a"), (410, " b"), (600, " c"), (650, " d")), SomeSpan.OriginNs);
        var stream = StreamView.Of(span)!;

        Assert.Equal([400, 10, 190, 50], stream.Chunks.Select(chunk => Math.Round(chunk.GapMs)));
        Assert.Equal(2, stream.LongestStall!.Index);
        Assert.Equal(400, stream.FirstTokenMs, 3);
        Assert.Equal(1000, stream.EndMs, 3);
    }

    [Fact]
    public void Of_NoChunks_IsNull() => Assert.Null(StreamView.Of(new SpanView(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1), SomeSpan.OriginNs)));

    [Fact]
    public void Ribbon_TenThousandChunks_IsDrawnInFewBarsWithinItsWidth()
    {
        var chunks = Enumerable.Range(0, 10_000).Select(i => (100 + i * 0.5, "x")).ToArray();
        var stream = StreamView.Of(new SpanView(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 6000).Streamed(chunks), SomeSpan.OriginNs))!;
        var bars = StreamChart.Ribbon(stream);

        Assert.InRange(bars.Count, 1, 500);
        Assert.All(bars, bar => Assert.InRange(bar.Left + bar.Width, 0, 100.2));
    }

    [Fact]
    public void Text_EmphasisAndStall_StandWhereTheyHappened()
    {
        var stream = StreamView.Of(new SpanView(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000).Streamed((10, "It is **31"), (20, " °C**."), (400, "\n\nPack")), SomeSpan.OriginNs))!;
        var pieces = StreamText.Of(stream);

        Assert.Equal("It is 31 °C.\n\nPack", string.Concat(pieces.Select(piece => piece.Text)));
        Assert.Equal(["31", " °C"], pieces.Where(piece => piece.IsStrong).Select(piece => piece.Text));
        Assert.Equal("Pack", pieces[pieces.ToList().FindIndex(piece => piece.StallMs is not null) + 1].Text);
    }

    [Fact]
    public void Text_MarkWithoutPartner_StaysText()
    {
        var stream = StreamView.Of(new SpanView(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 100).Streamed((10, "2 ** 3")), SomeSpan.OriginNs))!;

        Assert.Equal("2 ** 3", string.Concat(StreamText.Of(stream).Select(piece => piece.Text)));
    }
}
