using MLflow.Server.Ui.Searching;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class TraceSearchTests
{
    [Theory]
    [InlineData("CHOOSE", "1:attrs")]
    [InlineData("get_wea", "2:chat 3:row")]
    [InlineData("umbrella", "2:chat 4:chat")]
    [InlineData("rainy", "3:chat 4:chat")]
    [InlineData("東京", "3:chat")]
    [InlineData("took too long", "3:events")]
    [InlineData("nowhere at all", "")]
    [InlineData("   ", "")]
    public void Of_Text_IsFoundWhereItStands(string text, string places)
    {
        var hits = TraceSearch.Of(Tree(), text).Hits;

        Assert.Equal(places, string.Join(' ', hits.Select(hit => $"{hit.Node.Number}:{hit.Tab ?? "row"}")));
    }

    // A message that every later call repeats is one hit; "umbrella" of step 4 is in the answer.
    private static SpanTree Tree()
    {
        object[] prompt = [new { role = "system", content = "be brief" }, new { role = "user", content = "do I need an umbrella?" }];
        object asks = new { role = "assistant", tool_calls = new[] { new { id = "c1", type = "function", function = new { name = "get_weather", arguments = "{}" } } } };
        return SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 100, null, ("app.mode", "choose for me")),
            SomeSpan.Of(2, 1, "CHAT_MODEL", 1, 20, "Completions", ("mlflow.spanInputs", new { messages = prompt, tools = new[] { new { type = "function", function = new { name = "get_weather" } } } }), ("mlflow.spanOutputs", new { choices = new[] { new { message = asks } } })),
            SomeSpan.Of(3, 1, "TOOL", 21, 40, "get_weather", ("mlflow.spanOutputs", new { city = "東京", sky = "rainy" })).Failed("Slow", "it took too long"),
            SomeSpan.Of(4, 1, "CHAT_MODEL", 41, 90, "Completions", ("mlflow.spanInputs", new { messages = new[] { prompt[0], prompt[1], asks, new { role = "tool", tool_call_id = "c1", content = "rainy" } } }), ("mlflow.spanOutputs", new { choices = new[] { new { message = new { role = "assistant", content = "Take an umbrella." } } } })));
    }

    [Fact]
    public void Of_EscapedText_IsFoundAsPeopleReadIt()
    {
        var span = SomeSpan.Of(1, 0, "TOOL", 0, 1) with { Attributes = [new("mlflow.spanInputs", """{"city":"\u6771\u4eac","note":"say \"hi\""}""")] };

        Assert.Single(TraceSearch.Of(SomeSpan.Tree(span), "東京").Hits);
        Assert.Single(TraceSearch.Of(SomeSpan.Tree(span), "say \"hi\"").Hits);
    }

    [Fact]
    public void Of_VeryManyHits_StopsAndSaysSo()
    {
        var tree = SomeSpan.Tree([.. Enumerable.Range(1, TraceSearch.MostHits + 10).Select(i => SomeSpan.Of(i, 0, "TOOL", i, i + 1, "needle"))]);

        var search = TraceSearch.Of(tree, "needle");

        Assert.True(search.IsCut);
        Assert.Equal(TraceSearch.MostHits, search.Hits.Count);
    }
}
