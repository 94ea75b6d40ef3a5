using System.Text.Json;
using Bunit;
using MLflow.Server.Ui;
using MLflow.Server.Ui.Noticing;
using MLflow.Server.Ui.Reading;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>The controls that show values and notices, without a browser.</summary>
public sealed class ValueControlTests : BunitContext
{
    [Fact]
    public void JsonTree_LargeList_IsDrawnAHundredAtATime()
    {
        var tree = Render<JsonTree>(parameters => parameters.Add(p => p.Value, JsonSerializer.SerializeToElement(Enumerable.Range(0, 250))).Add(p => p.IsOpen, true));

        Assert.Equal(100, tree.FindAll(".jv").Count);
        tree.FindAll("button").Single(button => button.TextContent == "150 more").Click();
        Assert.Equal(200, tree.FindAll(".jv").Count);
        tree.FindAll("button").Single(button => button.TextContent == "50 more").Click();
        Assert.Equal(250, tree.FindAll(".jv").Count);
        Assert.Empty(tree.FindAll("button"));
    }

    [Fact]
    public void JsonTree_Closed_DrawsNothingOfItsInside()
    {
        var tree = Render<JsonTree>(parameters => parameters.Add(p => p.Name, "inner").Add(p => p.Value, JsonSerializer.SerializeToElement(new { a = 1, b = "text" })));
        Assert.Equal("inner: 2 keys", tree.Find("summary").TextContent);
        Assert.Empty(tree.FindAll(".jv"));

        tree.Find("details").TriggerEvent("ontoggle", EventArgs.Empty);

        Assert.Equal(["a: 1", "b: \"text\""], tree.FindAll(".jv").Select(value => value.TextContent));
    }

    [Theory]
    [InlineData("\"short\"", "", "JSON")]
    [InlineData("\"# A title\\n\\nand more of it\"", "Markdown|Text|JSON", "Markdown")]
    [InlineData("\"{\\\"a\\\": 1}\"", "Tree|Text|JSON", "Tree")]
    [InlineData("no JSON", "", "JSON")]
    public void ValueFaces_OfAValue_AreWhatItCanBeReadAs(string json, string faces, string shown)
    {
        var value = Render<ValueFaces>(parameters => parameters.Add(p => p.Json, json).Add(p => p.Url, new TraceUrl("tr-1")));

        Assert.Equal(faces, string.Join('|', value.FindAll(".faces button").Select(face => face.TextContent)));
        Assert.Equal(faces.Length == 0 ? null : shown, value.FindAll(".faces [aria-pressed=true]").SingleOrDefault()?.TextContent);
        foreach (var face in value.FindAll(".faces button").Select((_, i) => i).ToList())
        {
            value.FindAll(".faces button")[face].Click();
            Assert.NotEmpty(value.Markup.Trim());
            Assert.Equal("true", value.FindAll(".faces button")[face].GetAttribute("aria-pressed"));
        }
    }

    [Fact]
    public void NoticeList_PartOfATrace_SaysHowMuchWasLookedAt()
    {
        var whole = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, 10), SomeSpan.Of(2, 1, "TOOL", 1, 2));
        var part = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, 10), SomeSpan.Of(2, 1, "TOOL", 1, 2) with { IsSkeleton = true });

        Assert.Empty(Render<NoticeList>(parameters => parameters.Add(p => p.Tree, whole).Add(p => p.Url, new TraceUrl("tr-1"))).Markup.Trim());
        Assert.Contains("Of so large a trace the last 50 model calls", Render<NoticeList>(parameters => parameters.Add(p => p.Tree, part).Add(p => p.Url, new TraceUrl("tr-1"))).Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void AnswerStrip_Evidence_LeadsToItsSteps()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, 10), SomeSpan.Of(2, 1, "TOOL", 1, 2).Failed("A.B", "no"));
        var strip = Render<AnswerStrip>(parameters => parameters.Add(p => p.Answers, FourAnswers.Of(tree)).Add(p => p.Link, id => "to-" + id));

        Assert.Equal(4, strip.FindAll("h2").Count);
        Assert.Contains(strip.FindAll("a"), link => link.GetAttribute("href") == "to-" + SomeSpan.Id(2));
    }
}
