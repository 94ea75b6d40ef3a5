using MLflow.Server.Traces;
using MLflow.Server.Ui.Noticing;
using MLflow.Server.Ui.Prompts;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class NoticesTests
{
    private static readonly object[] Tools =
    [
        new { type = "function", function = new { name = "get_order", parameters = new { type = "object", properties = new { id = new { type = "string" } }, required = new[] { "id" } } } },
        new { type = "function", function = new { name = "cancel_order", parameters = new { type = "object" } } },
    ];

    [Fact]
    public void Of_WrongArgument_IsWrongAndNamesTheStep()
    {
        var tree = SomeSpan.Tree(Call(1, 0, Asks("""{"id":4471}""")), SomeSpan.Of(2, 0, "TOOL", 20, 30, "get_order"));
        var notices = Notices.Of(tree);

        Assert.Equal((NoticeMark.Wrong, 2), (notices[0].Mark, notices[0].Step!.Number));
        Assert.Equal("get_order: argument id: number given, schema says string. strict: true on the tool's definition prevents it.", notices[0].Text);
        Assert.Contains(notices, notice => notice.Text.StartsWith("cancel_order was offered but never called. Its definition costs about", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_RightArguments_SaysSo() =>
        Assert.Contains(Notices.Of(SomeSpan.Tree(Call(1, 0, Asks("""{"id":"4471"}""")))), notice => notice.Mark == NoticeMark.Good);

    [Fact]
    public void Of_SameToolCallTwice_IsNoticed()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "TOOL", 0, 1, "geocode", ("mlflow.spanInputs", new { q = "Paris" })), SomeSpan.Of(2, 0, "TOOL", 2, 3, "geocode", ("mlflow.spanInputs", new { q = "Paris" })));

        Assert.Equal("geocode ran 2 times with the same arguments.", Assert.Single(Notices.Of(tree)).Text);
    }

    [Fact]
    public void Of_CutAnswerAndRetries_AreNoticed()
    {
        var span = Call(1, 0, new { role = "assistant", content = "half a" }, "length").Attempted(0, 100, 429).Attempted(700, 100, 200);
        var texts = Notices.Of(SomeSpan.Tree(span)).Select(notice => notice.Text).ToList();

        Assert.Contains("The answer was cut at the most tokens that the request allowed.", texts);
        Assert.Contains(texts, text => text.EndsWith("went by with retries before the attempt that counted.", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_ChangedSystemMessage_SaysWhereTheCacheBrokeAndWhatItCost()
    {
        object user = new { role = "user", content = "hello" };
        object answer = new { role = "assistant", content = "hi" };
        var tree = SomeSpan.Tree(
            Prompt(1, 0, [new { role = "system", content = "It is 10:00." }, user], 2000, 0),
            Prompt(2, 10, [new { role = "system", content = "It is 10:00." }, new { role = "user", content = "changed" }, answer, user], 2100, 1024));

        var notice = Assert.Single(Notices.Of(tree), notice => notice.Text.StartsWith("The cached prefix broke", StringComparison.Ordinal));

        // 1,920 of the 2,000 tokens before could be cached, 1,024 were: 896 at half a dollar for 2,100.
        Assert.Equal("The cached prefix broke at message 2 (user), which changed since call 1. 896 tokens were read anew, for about $0.21333.", notice.Text);
        Assert.Equal(2, notice.Step!.Number);
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(1024, 0, true)]
    [InlineData(0, 1024, true)]
    public void Of_ChangedPrompt_IsABrokenCacheOnlyWhereSomethingWasCached(int cachedBefore, int cachedNow, bool isBroken)
    {
        object user = new { role = "user", content = "hello" };
        var tree = SomeSpan.Tree(
            Prompt(1, 0, [user, new { role = "user", content = "one" }], 3000, cachedBefore),
            Prompt(2, 10, [user, new { role = "user", content = "two" }, user], 3000, cachedNow));

        Assert.Equal(isBroken, Notices.Of(tree).Any(notice => notice.Text.StartsWith("The cached prefix broke", StringComparison.Ordinal)));
        Assert.Equal(isBroken, MLflow.Server.Ui.Chat.ChatTranscript.Of(tree.Rows[1], tree)!.Break is not null);
    }

    [Fact]
    public void Map_Parts_ShareWhatTheProviderCounted()
    {
        var tree = SomeSpan.Tree(Prompt(1, 0, [new { role = "system", content = new string('s', 300) }, new { role = "user", content = new string('u', 100) }], 1000, 800));
        var bar = Assert.Single(PromptMap.Of(tree));

        Assert.Equal([(PromptPart.System, 750L, 750L), (PromptPart.User, 250L, 50L)], bar.Pieces.Select(piece => (piece.Part, piece.Tokens, piece.CachedTokens)));
    }

    private static object Asks(string arguments) => new { role = "assistant", tool_calls = new[] { new { id = "c1", type = "function", function = new { name = "get_order", arguments } } } };

    private static SpanRecord Call(int number, double start, object message, string finish = "stop") =>
        SomeSpan.Of(number, 0, "CHAT_MODEL", start, start + 1000, null, ("mlflow.spanInputs", new { messages = new[] { new { role = "user", content = "where?" } }, tools = Tools }), ("mlflow.spanOutputs", new { choices = new[] { new { message, finish_reason = finish } } }));

    private static SpanRecord Prompt(int number, double start, object[] messages, int tokens, int cached) =>
        SomeSpan.Of(number, 0, "CHAT_MODEL", start, start + 5, null, ("mlflow.spanInputs", new { messages }), ("mlflow.spanOutputs", new { choices = new[] { new { message = new { role = "assistant", content = "hi" } } } }),
            ("mlflow.chat.tokenUsage", new { input_tokens = tokens, output_tokens = 1, cache_read_input_tokens = cached }), ("mlflow.llm.cost", new { input_cost = 0.5, output_cost = 0.25, total_cost = 0.75 }));
}
