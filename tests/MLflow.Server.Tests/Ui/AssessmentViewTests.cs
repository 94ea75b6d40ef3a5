using Bunit;
using MLflow.Server.Assessments;
using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.Assessments;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class AssessmentViewTests : BunitContext
{
    [Theory]
    [InlineData(ValueKind.YesNo, "true", "true")]
    [InlineData(ValueKind.YesNo, "false", "false")]
    [InlineData(ValueKind.Number, " 0.80 ", "0.8")]
    [InlineData(ValueKind.Number, "-1e3", "-1000")]
    [InlineData(ValueKind.Text, " 東京 \"x\" ", "\"東京 \\\"x\\\"\"")]
    [InlineData(ValueKind.Category, "partly", "\"partly\"")]
    [InlineData(ValueKind.Json, "{\"a\": [1]}", "{\"a\": [1]}")]
    public void Draft_OfEachKind_IsStoredAsJson(ValueKind kind, string value, string stored)
    {
        var draft = new AssessmentDraft { Name = " helpful ", Kind = kind, Value = value, Rationale = "  ", SpanId = "s1" };

        Assert.Null(draft.Problem);
        var record = draft.ToRecord("tr-1", "mika", 7);
        Assert.Equal(("helpful", stored, "HUMAN", "mika", 7L, "s1"), (record.Name, record.Value, record.SourceType, record.SourceId, record.CreateTimeMs, record.SpanId));
        Assert.Null(record.Rationale);
        Assert.Matches("^a-[0-9a-f]{32}$", record.AssessmentId);
    }

    [Theory]
    [InlineData("", ValueKind.YesNo, "true", "Give it a name, for example helpful.")]
    [InlineData("n", ValueKind.Number, "four", "“four” is not a number. Write it as 0.8 or 5.")]
    [InlineData("n", ValueKind.Number, "NaN", "“NaN” is not a number. Write it as 0.8 or 5.")]
    [InlineData("n", ValueKind.Text, " ", "Give it a value.")]
    [InlineData("n", ValueKind.Json, "{", "The value is not JSON.")]
    public void Draft_ThatCannotBeStored_SaysWhy(string name, ValueKind kind, string value, string problem) =>
        Assert.Equal(problem, new AssessmentDraft { Name = name, Kind = kind, Value = value }.Problem);

    [Fact]
    public void Draft_TooLong_SaysSo()
    {
        Assert.Equal("The name has more than 250 characters.", new AssessmentDraft { Name = new string('n', 251) }.Problem);
        Assert.Equal("The text has more than 8000 characters.", new AssessmentDraft { Name = "n", Rationale = new string('n', 8001) }.Problem);
    }

    [Theory]
    [InlineData("false", ValueKind.YesNo, "false")]
    [InlineData("0.5", ValueKind.Number, "0.5")]
    [InlineData("\"a \\\"b\\\"\"", ValueKind.Text, "a \"b\"")]
    [InlineData("[1, 2]", ValueKind.Json, "[1, 2]")]
    [InlineData("null", ValueKind.Json, "null")]
    public void Draft_OfAnAssessment_TakesItsPlaceWithTheSameValue(string stored, ValueKind kind, string value)
    {
        var old = Of("a-1", stored);
        var draft = AssessmentDraft.Of(old);

        Assert.Equal((kind, value), (draft.Kind, draft.Value));
        var record = draft.ToRecord("tr-1", "mika", 9);
        Assert.Equal(("a-1", stored, "helpful"), (record.Overrides, record.Value, record.Name));
    }

    [Fact]
    public void Thread_OfReplacedOnes_HasThemNewestFirstAndEndsInACircle()
    {
        var first = Of("a-1", "true") with { IsValid = false };
        var second = Of("a-2", "false") with { IsValid = false, Overrides = "a-1" };
        var third = Of("a-3", "true") with { Overrides = "a-2" };
        var circle = Of("a-4", "true") with { Overrides = "a-5" };
        var back = Of("a-5", "true") with { Overrides = "a-4", IsValid = false };

        var threads = AssessmentThread.Of([first, second, third, circle, back]);

        Assert.Equal(["a-3", "a-4"], threads.Select(thread => thread.Current.AssessmentId));
        Assert.Equal(["a-2", "a-1"], threads[0].Earlier.Select(earlier => earlier.AssessmentId));
        Assert.Equal(["a-5"], threads[1].Earlier.Select(earlier => earlier.AssessmentId));
    }

    [Fact]
    public void UsedNames_TellHowTheirValuesAreGiven()
    {
        var used = new UsedNames([("helpful", "true"), ("score", "0.5"), ("score", "-2"), ("tone", "\"warm\""), ("tone", "\"cold\""), ("mixed", "true"), ("mixed", "\"x\"")]);

        Assert.Equal(["helpful", "mixed", "score", "tone"], used.Names);
        Assert.Equal([ValueKind.YesNo, ValueKind.Number, ValueKind.Category, ValueKind.Json, null], new[] { "helpful", "score", "tone", "mixed", "new" }.Select(used.KindOf));
        Assert.Equal(["cold", "warm"], used.TextsOf("tone"));
    }

    [Fact]
    public void Form_NameThatIsKnown_AsksForItsKindOfValue()
    {
        AssessmentDraft? saved = null;
        var form = Render<AssessmentForm>(parameters => parameters
            .Add(p => p.Draft, new AssessmentDraft()).Add(p => p.Used, new UsedNames([("tone", "\"warm\""), ("score", "1")])).Add(p => p.OnSave, draft => saved = draft));

        form.Find("form").Submit();
        Assert.Null(saved);
        Assert.Equal("Give it a name, for example helpful.", form.Find("[role=alert]").TextContent);

        form.Find("input[list=as-names]").Change("tone");
        Assert.Equal(["warm"], form.FindAll("#as-values option").Select(option => option.GetAttribute("value")));
        form.Find("input[list=as-values]").Change("cold");
        form.FindAll("[role=group] button")[1].Click();
        form.Find("form").Submit();
        Assert.Equal(("tone", "cold", ValueKind.Category, true), (saved!.Name, saved.Value, saved.Kind, saved.IsExpectation));
    }

    [Fact]
    public void Queue_JudgedAndSkipped_CountsWhatIsLeft()
    {
        var traces = new[] { "tr-a", "tr-b", "tr-c" }.Select(id => SomeTrace.Info(SomeTrace.NewOtelId()) with { TraceId = id }).ToList();
        var queue = new ReviewRound(traces, 5, "tr-b");

        Assert.Equal(("tr-b", 5L, true), (queue.Current!.TraceId, queue.Left, queue.HasMore));
        queue.Judge();
        Assert.Equal(("tr-c", 4L), (queue.Current!.TraceId, queue.Left));
        queue.Next();
        Assert.Null(queue.Current);
        queue.Next();
        queue.Previous();
        queue.Previous();
        Assert.Equal(("tr-b", true, 4L), (queue.Current!.TraceId, queue.IsJudged, queue.Left));
        queue.Judge();
        Assert.Equal(4, queue.Left);
    }

    [Theory]
    [InlineData(null, "helpful", "feedback.`helpful` IS NULL")]
    [InlineData("status = 'OK' OR status = 'ERROR';", "it's", "(status = 'OK' OR status = 'ERROR') AND feedback.`it's` IS NULL")]
    public void Filter_OfAQueue_IsThatOfTheListWithoutWhatIsJudged(string? list, string name, string expected)
    {
        var filter = ReviewRound.Filter(list, name);
        Assert.Equal(expected, filter);
        TraceFilter.Parse(filter);
        Assert.Null(ReviewRound.Filter(list, "a`b"));
    }

    private static AssessmentRecord Of(string id, string value) =>
        new() { AssessmentId = id, TraceId = "tr-1", Name = "helpful", Type = AssessmentType.Feedback, Value = value, SourceType = "HUMAN", CreateTimeMs = 0, LastUpdateTimeMs = 0 };
}
