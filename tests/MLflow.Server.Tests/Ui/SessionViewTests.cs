using MLflow.Server.Assessments;
using MLflow.Server.Pricing;
using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Sessions;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class SessionViewTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(SomeTrace.StartMs + 1_000_000);

    [Fact]
    public void Answers_FourTurnsAndAFailure_AreSentencesThatAddUp()
    {
        var view = View(Turn(0, 1880), Turn(105_000, 1120), Turn(196_000, 3420), Turn(330_000, 5480, TraceState.Error));

        Assert.Equal(["3 answers, then turn 4 failed", "11.9\u00A0s out of 5\u00A0min\u00A035\u00A0s", "1 error, in turn 4", "$0.00040"], view.Answers.Select(answer => answer.Result));
        Assert.Equal("Failed in turn 4", view.State);
        Assert.Equal(["", "+1:43", "+1:29", "+2:10"], view.Turns.Select(turn => turn.Gap));
        Assert.Equal("400 tokens in, 80 out; 25\u00A0% of the prompts came from the cache.", Text(view, 3));
        Assert.Equal("4", Assert.Single(view.Answers[2].Evidence, phrase => phrase.SpanId is not null).SpanId);
    }

    [Theory]
    [InlineData(TraceState.Ok, TraceState.Ok, "2 answers")]
    [InlineData(TraceState.Error, TraceState.Ok, "1 of 2 turns answered")]
    [InlineData(TraceState.Error, TraceState.Error, "0 of 2 turns answered")]
    [InlineData(TraceState.Ok, TraceState.InProgress, "1 answer, and one on its way")]
    public void Happened_SaysHowItEnded(TraceState first, TraceState second, string result) =>
        Assert.Equal(result, View(Turn(0, 10, first), Turn(900_000, second == TraceState.InProgress ? null : 10, second)).Answers[0].Result);

    [Fact]
    public void Happened_AnotherLanguage_IsSaidWithItsTurn()
    {
        var view = View(Turn(0, 10), Turn(20, 10, request: "\u540C\u3058\u5185\u5BB9\u3092\u65E5\u672C\u8A9E\u3067\u66F8\u3044\u3066\u304F\u3060\u3055\u3044\u3002"));
        Assert.Equal("No tool call in 2 turns; the language changed in turn 2.", Text(view, 0));
    }

    [Fact]
    public void Wrong_Feedback_IsCountedWithTheBadOnes()
    {
        var view = View(Turn(0, 10, feedback: ["true", "\"pass\""]), Turn(20, 10, feedback: ["false"]));
        Assert.Equal("Feedback: 3 given, 1 bad.", Text(view, 2));
        Assert.Equal(["yes", "pass", "no"], view.Turns.SelectMany(turn => turn.Feedback).Select(FeedbackText.Of));
    }

    [Fact]
    public void Filter_OfAnyId_FindsItOrSaysThatItCannot()
    {
        Assert.Equal("metadata.`mlflow.trace.session` = 's-1'", SessionUrl.Filter("s-1"));
        Assert.Equal("metadata.`mlflow.trace.session` = \"it's\"", SessionUrl.Filter("it's"));
        Assert.Null(SessionUrl.Filter("'\""));
    }

    private static string Text(SessionView view, int answer) => string.Concat(view.Answers[answer].Evidence.Select(phrase => phrase.Text));

    private static SessionView View(params TraceInfo[] turns) => new("s-1", [.. turns.Select(turn => (turn, (IReadOnlyList<SpanRecord>)[]))], Now);

    private static TraceInfo Turn(long startMs, long? durationMs, TraceState state = TraceState.Ok, string request = "Where is it?", string[]? feedback = null) => SomeTrace.Info(SomeTrace.NewOtelId(), state: state, startMs: startMs) with
    {
        DurationMs = durationMs,
        RequestPreview = request,
        Facts = new TraceFacts { InputTokens = 100, OutputTokens = 20, CachedInputTokens = 25, Cost = new CallCost(60_000_000, 40_000_000), SpanCount = 1 },
        Assessments = [.. (feedback ?? []).Select((value, i) => new AssessmentRecord { AssessmentId = $"a-{i}", TraceId = "tr-1", Name = "helpful", Type = AssessmentType.Feedback, Value = value, SourceType = "HUMAN", CreateTimeMs = 0, LastUpdateTimeMs = 0 })],
    };
}
