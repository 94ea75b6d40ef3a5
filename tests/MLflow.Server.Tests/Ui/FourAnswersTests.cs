using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class FourAnswersTests
{
    private const string Usage = "mlflow.chat.tokenUsage";

    [Fact]
    public void Of_AgentWithTwoTools_TellsAndLinksThem()
    {
        var answers = FourAnswers.Of(SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 1000), SomeSpan.Of(2, 1, "CHAT_MODEL", 0, 300, null, (Usage, new { input_tokens = 1412, output_tokens = 47 })),
            SomeSpan.Of(3, 1, "TOOL", 300, 500, "get_weather"), SomeSpan.Of(4, 1, "TOOL", 310, 600, "get_weather"),
            SomeSpan.Of(5, 1, "CHAT_MODEL", 600, 1000, null, (Usage, new { input_tokens = 1531, output_tokens = 63, cache_read_input_tokens = 1408 }))));

        Assert.Equal("Called get_weather twice, then answered", answers[0].Result);
        Assert.Equal("2 model calls; get_weather ×2 side by side.", Text(answers[0]));
        Assert.Equal(SomeSpan.Id(3), answers[0].Evidence.Single(phrase => phrase.Text == "get_weather").SpanId);
        Assert.Equal("No errors", answers[2].Result);
        Assert.False(answers[2].IsBad);
        Assert.Equal("3,053 tokens", answers[3].Result);
        Assert.Contains("92\u00A0% of the prompt of step 5 came from the cache", Text(answers[3]), StringComparison.Ordinal);
        Assert.DoesNotContain("$", Text(answers[3]), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_TwoErrorsTheLastAtTheRoot_TellsFirstAndLast()
    {
        var answers = FourAnswers.Of(SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 100).Failed("System.IO.IOException", "gone"),
            SomeSpan.Of(2, 1, "TOOL", 10, 20, "update_address").Failed("System.ArgumentException", "zip"),
            SomeSpan.Of(3, 1, "CHAT_MODEL", 30, 90).Failed("System.IO.IOException", "gone")));

        Assert.Equal("Called update_address, then failed", answers[0].Result);
        Assert.Equal("2 errors, the last one ended it", answers[2].Result);
        Assert.True(answers[2].IsBad);
        Assert.Equal("First: update_address in step 2: ArgumentException: zip. Last: span3 in step 3: IOException: gone.", Text(answers[2]));
    }

    [Theory]
    [InlineData("abandoned", "Stopped by the app", false)]
    [InlineData("truncated", "Cut by the server", true)]
    public void Of_StreamThatDidNotEndByItself_TellsWho(string end, string result, bool isBad)
    {
        var answer = FourAnswers.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 10, null, ("mlflow.stream.end", end))))[2];

        Assert.Equal(result, answer.Result);
        Assert.Equal(isBad, answer.IsBad);
    }

    [Fact]
    public void Of_RetriedCall_TellsWhatItRecoveredFrom()
    {
        var answer = FourAnswers.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000).Attempted(0, 100, 429).Attempted(350, 600, 200)))[2];

        Assert.Equal("No errors", answer.Result);
        Assert.Equal("429 recovered after 350\u00A0ms in step 1.", Text(answer));
    }

    [Theory]
    [InlineData(2.74, "2.7\u00A0ms")]
    [InlineData(412.7, "412\u00A0ms")]
    [InlineData(3426.2, "3.43\u00A0s")]
    public void Of_RootThatSpansTheTrace_SaysItsTimeAsTheRowDoes(double ms, string text)
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, ms), SomeSpan.Of(2, 1, "TOOL", 1, 2));

        Assert.Equal(text, FourAnswers.Of(tree)[1].Result);
        Assert.Equal(text, Figures.Duration(tree.Rows[0].Span.DurationMs!.Value));
    }

    [Fact]
    public void Of_RootThatIsNotThereOrNotAll_SaysTheTimeAsTheListDoes()
    {
        var orphan = SomeSpan.Tree(SomeSpan.Of(2, 1, "TOOL", 0, 2.74));
        var outlived = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, 2.74), SomeSpan.Of(2, 1, "TOOL", 1, 5.6));

        Assert.Equal("2\u00A0ms", FourAnswers.Of(orphan)[1].Result);
        Assert.Equal("5\u00A0ms", FourAnswers.Of(outlived)[1].Result);
    }

    [Fact]
    public void Of_RunningTool_TellsWhatItIsDoing()
    {
        var answers = FourAnswers.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, null), SomeSpan.Of(2, 1, "TOOL", 5, null, "get_fare_rules")));

        Assert.Equal("Calling get_fare_rules", answers[0].Result);
        Assert.Equal("Nothing so far", answers[2].Result);
    }

    [Fact]
    public void Of_RunningTrace_CountsUpToNow()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, null), SomeSpan.Of(2, 1, "CHAT_MODEL", 0, 1000), SomeSpan.Of(3, 1, "TOOL", 1000, null, "get_fare_rules"));
        tree.RunUntil(DateTimeOffset.FromUnixTimeMilliseconds(SomeSpan.OriginNs / 1_000_000 + 10_000));
        var slow = FourAnswers.Of(tree)[1];

        Assert.Equal("10.0\u00A0s so far", slow.Result);
        Assert.Equal("Tools 90\u00A0%, waiting for the model 10\u00A0%. Longest: step 3, get_fare_rules, 9.00\u00A0s so far.", string.Concat(slow.Evidence.Select(phrase => phrase.Text)));
    }

    [Fact]
    public void RunUntil_TraceThatHasEnded_StaysAsLongAsItWas()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, 3000));
        tree.RunUntil(DateTimeOffset.FromUnixTimeMilliseconds(SomeSpan.OriginNs / 1_000_000 + 10_000));

        Assert.Equal(3000, tree.TotalMs);
    }

    [Fact]
    public void Of_NoUsage_SaysSoInsteadOfZero() =>
        Assert.Equal("No tokens counted", FourAnswers.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 10)))[3].Result);

    [Fact]
    public void Of_CallThatFailed_DoesNotBlameTheProviderForMissingUsage()
    {
        var used = FourAnswers.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 10).Failed("ClientResultException", "HTTP 400")))[3];

        Assert.Equal("No call was answered, so none was counted.", Text(used));
    }

    [Fact]
    public void Of_PricedCalls_SumsThemAndNotTheStepAround()
    {
        var usage = new { input_tokens = 1000, output_tokens = 100 };
        var cost = new { input_cost = 0.0025, output_cost = 0.001, total_cost = 0.0035 };
        var answer = FourAnswers.Of(SomeSpan.Tree(
            SomeSpan.Of(1, 0, "CHAIN", 0, 30, null, ("mlflow.chat.tokenUsage", usage)),
            SomeSpan.Of(2, 1, "CHAT_MODEL", 0, 10, null, ("mlflow.chat.tokenUsage", usage), ("mlflow.llm.cost", cost)),
            SomeSpan.Of(3, 1, "CHAT_MODEL", 10, 20, null, ("mlflow.chat.tokenUsage", usage), ("mlflow.llm.cost", cost))))[3];

        Assert.Equal("What did it cost?", answer.Question);
        Assert.Equal("$0.00700", answer.Result);
        Assert.Equal("2,000 tokens in, 200 out.", Text(answer));
    }

    [Fact]
    public void Of_CallOfUnknownPrice_SaysWhatIsMissingAndWhy()
    {
        var usage = new { input_tokens = 1000, output_tokens = 100 };
        var cost = new { input_cost = 0.0025, output_cost = 0.001, total_cost = 0.0035 };
        var basis = new { prices = "v", unknown = "the address does not tell the provider" };
        var some = FourAnswers.Of(SomeSpan.Tree(
            SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 10, null, ("mlflow.chat.tokenUsage", usage), ("mlflow.llm.cost", cost)),
            SomeSpan.Of(2, 0, "CHAT_MODEL", 10, 20, null, ("mlflow.chat.tokenUsage", usage), ("mlflow.llm.cost_basis", basis))))[3];
        var none = FourAnswers.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 10, 20, null, ("mlflow.chat.tokenUsage", usage), ("mlflow.llm.cost_basis", basis))))[3];

        Assert.Equal("At least $0.00350", some.Result);
        Assert.EndsWith("Without 1 call of unknown price, step 2: the address does not tell the provider.", Text(some), StringComparison.Ordinal);
        Assert.Equal("1,100 tokens", none.Result);
        Assert.EndsWith("Cost unknown: the address does not tell the provider.", Text(none), StringComparison.Ordinal);
    }

    private static string Text(Answer answer) => string.Concat(answer.Evidence.Select(phrase => phrase.Text));
}
