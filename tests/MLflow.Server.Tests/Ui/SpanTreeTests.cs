using CsCheck;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class SpanTreeTests
{
    [Fact]
    public void Build_ChildrenOutOfOrder_NumbersInReadingOrder()
    {
        var tree = SomeSpan.Tree(
            SomeSpan.Of(3, 1, "TOOL", 20, 30), SomeSpan.Of(4, 2, "TOOL", 12, 15), SomeSpan.Of(1, 0, "AGENT", 0, 100), SomeSpan.Of(2, 1, "TOOL", 10, 18));

        Assert.Equal([SomeSpan.Id(1), SomeSpan.Id(2), SomeSpan.Id(4), SomeSpan.Id(3)], tree.Rows.Select(node => node.Id));
        Assert.Equal([1, 2, 3, 4], tree.Rows.Select(node => node.Number));
        Assert.Equal([0, 1, 2, 1], tree.Rows.Select(node => node.Depth));
        Assert.Equal(2, tree.MaxDepth);
        Assert.Equal(100, tree.TotalMs);
    }

    [Fact]
    public void Build_ParentMissing_ShowsOrphanAfterRoots()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(2, 9, "TOOL", 0, 5), SomeSpan.Of(1, 0, "AGENT", 3, 9));

        Assert.Equal([SomeSpan.Id(1), SomeSpan.Id(2)], tree.Roots.Select(node => node.Id));
        Assert.Equal(SomeSpan.Id(9), tree.Rows[1].MissingParentId);
        Assert.Null(tree.Rows[0].MissingParentId);
    }

    [Fact]
    public void Build_ParentsInACircle_ShowsEachSpanOnce()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 2, "TOOL", 0, 5), SomeSpan.Of(2, 1, "TOOL", 1, 4), SomeSpan.Of(3, 3, "TOOL", 2, 3));

        Assert.Equal(3, tree.Rows.Count);
        Assert.Equal(3, tree.Rows.Select(node => node.Id).Distinct().Count());
    }

    [Fact]
    public void Build_AnyParents_ShowsEverySpanOnceWithParentsFirst()
    {
        var spans = Gen.Int[0, 12].Array[1, 30].Select(parents =>
            parents.Select((parent, i) => SomeSpan.Of(i + 1, parent, "TOOL", (parent * 7) % 13, 20 + i)).ToArray());
        spans.Sample(records =>
        {
            var tree = SpanTree.Build(records);
            var seen = new HashSet<SpanNode>();
            foreach (var node in tree.Rows)
            {
                Assert.True(node.Parent is null || seen.Contains(node.Parent));
                Assert.True(seen.Add(node));
            }

            Assert.Equal(records.Length, seen.Count);
            Assert.Equal(tree.TotalMs, CriticalPath.Of(tree).Segments.Sum(segment => segment.ToMs - segment.FromMs), 6);
        });
    }

    [Fact]
    public void Build_ErrorPassedUp_CountsItsOriginOnly()
    {
        var tree = SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 100).Failed("System.IO.IOException", "gone"),
            SomeSpan.Of(2, 1, "TOOL", 10, 20).Failed("System.ArgumentException", "zip"),
            SomeSpan.Of(3, 1, "CHAT_MODEL", 30, 90).Failed("System.IO.IOException", "gone"));

        Assert.Equal([SomeSpan.Id(2), SomeSpan.Id(3)], tree.ErrorOrigins.Select(node => node.Id));
    }

    [Fact]
    public void Build_NoSpans_IsEmpty() => Assert.Empty(SomeSpan.Tree().Rows);

    [Fact]
    public void Build_TenThousandNested_DoesNotOverflow()
    {
        var tree = SpanTree.Build([.. Enumerable.Range(1, 10_000).Select(i => SomeSpan.Of(i, i - 1, "CHAIN", i * 0.001, 100))]);

        Assert.Equal(9_999, tree.Rows[^1].Depth);
        Assert.NotEmpty(CriticalPath.Of(tree).Segments);
    }
}
