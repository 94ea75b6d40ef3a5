using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Share;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class ShareTests
{
    private const string Key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";

    [Fact]
    public void Redaction_OfASpan_TakesOutSecretsAndMasksEverywhere()
    {
        var redaction = new TraceRedaction(ShareOptions.Read(null, " Mika \n\n(.*)\n"));
        var span = redaction.Apply(Span());

        var text = Text(span);
        Assert.DoesNotContain("mika", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("(.*)", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, text, StringComparison.Ordinal);
        Assert.Contains("Where is", text, StringComparison.Ordinal);
        Assert.Equal(["exception"], span.Events.Select(one => one.Name));
    }

    [Fact]
    public void Redaction_WithoutContent_LeavesFiguresOnly()
    {
        var redaction = new TraceRedaction(ShareOptions.Read("none", null));
        var span = redaction.Apply(Span());

        Assert.Equal(["mlflow.spanType", "mlflow.chat.tokenUsage"], span.Attributes.Select(attribute => attribute.Key));
        Assert.DoesNotContain("Where is", Text(span), StringComparison.Ordinal);
        Assert.DoesNotContain("said", Text(span), StringComparison.Ordinal);
        Assert.Equal(["exception.type"], span.Events[0].Attributes.Select(attribute => attribute.Key));

        var info = redaction.Apply(SomeTrace.Info(SomeTrace.NewOtelId()) with { RequestPreview = "Where is", Tags = new Dictionary<string, string> { ["a"] = "b" }, Facts = new TraceFacts { Name = "Where is", ErrorMessage = "said" } });
        Assert.Null(info.RequestPreview);
        Assert.Null(info.Facts.Name);
        Assert.Null(info.Facts.ErrorMessage);
        Assert.Empty(info.Tags);
    }

    [Fact]
    public void Options_TooManyOrTooLongTexts_AreRefused()
    {
        Assert.Throws<MlflowException>(() => ShareOptions.Read(null, string.Join('\n', Enumerable.Range(0, 51))));
        Assert.Throws<MlflowException>(() => ShareOptions.Read(null, new string('x', 201)));
        Assert.Equal(["a"], ShareOptions.Read(null, "a\r\nA\n").Masks);
    }

    private static SpanRecord Span() => SomeTrace.Span(
        SomeTrace.NewOtelId(), 1, name: "ask mika", type: "MIKA",
        attributes:
        [
            ("mlflow.spanInputs", $$"""{"messages": [{"role": "user", "content": "Where is MIKA? (.*) {{Key}}"}], "arguments": "{\"name\": \"mika\"}", "by mika": 1}"""),
            ("mlflow.spanOutputs", "\"said mi\\u006ba\""),
            ("mlflow.spanType", "\"CHAT_MODEL\""),
            ("mlflow.chat.tokenUsage", """{"input_tokens": 1}"""),
        ]) with
    {
        StatusMessage = "said mika",
        Events = [new SpanEventRecord("exception", 1, [new("exception.type", "\"A.B\""), new("exception.message", "\"said mika\"")]), new SpanEventRecord("mlflow.chunk", 2, [new("chunk", "\"mi\"")])],
        Resource = [new("host.name", "\"mika\"")],
    };

    private static string Text(SpanRecord span) => string.Join('\n', span.Attributes.Select(attribute => attribute.Key + attribute.Value).Concat(span.Events.SelectMany(one => one.Attributes.Select(attribute => attribute.Key + attribute.Value)))
        .Concat(span.Resource.Select(attribute => attribute.Value)).Append(span.Name).Append(span.Type).Append(span.StatusMessage));
}
