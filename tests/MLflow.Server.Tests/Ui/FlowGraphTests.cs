using MLflow.Server.Ui.Flow;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class FlowGraphTests
{
    [Fact]
    public void Of_AgentLoop_IsOnePlaceForEachNameAndAWayBack()
    {
        var tree = SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 100, "run"),
            SomeSpan.Of(2, 1, "CHAT_MODEL", 1, 10, "ask"),
            SomeSpan.Of(3, 1, "TOOL", 11, 20, "weather"),
            SomeSpan.Of(4, 1, "TOOL", 12, 25, "time"),
            SomeSpan.Of(5, 4, "UNKNOWN", 13, 14, "inside of the tool"),
            SomeSpan.Of(6, 1, "CHAT_MODEL", 26, 90, "ask"));

        var graph = FlowGraph.Of(tree);

        Assert.Equal([("ask", 2, 1), ("weather", 1, 2), ("time", 1, 2)], graph.Nodes.Select(node => (node.Title, node.Count, node.Row)));
        Assert.Equal(["-ask", "ask-weather", "ask-time", "weather-ask", "time-ask", "ask-"], graph.Edges.Select(edge => $"{edge.From?.Title}-{edge.To?.Title}"));
        Assert.Equal((2, 2), (graph.Rows, graph.Columns));
    }

    [Fact]
    public void Of_NoSpans_IsEmpty() => Assert.Empty(FlowGraph.Of(SomeSpan.Tree()).Nodes);

    [Fact]
    public void Of_VeryManyNames_IsCut()
    {
        var graph = FlowGraph.Of(SomeSpan.Tree([.. Enumerable.Range(1, 200).Select(i => SomeSpan.Of(i, 0, "TOOL", i * 10, i * 10 + 5))]));

        Assert.True(graph.IsCut);
        Assert.Equal(FlowGraph.MostNodes, graph.Nodes.Count);
    }
}
