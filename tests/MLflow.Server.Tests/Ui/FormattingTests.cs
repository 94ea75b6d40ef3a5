using CsCheck;
using MLflow.Server.Ui.Formatting;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class FormattingTests
{
    [Theory]
    [InlineData(0.42, "0.4 ms")]
    [InlineData(9.97, "9.9 ms")]
    [InlineData(10.2, "10 ms")]
    [InlineData(412, "412 ms")]
    [InlineData(412.9, "412 ms")]
    [InlineData(411.9999999999, "412 ms")]
    [InlineData(999.6, "999 ms")]
    [InlineData(999.9999999999, "1.00 s")]
    [InlineData(3418, "3.42 s")]
    [InlineData(11_800, "11.8 s")]
    [InlineData(125_000, "2 min 05 s")]
    [InlineData(-3, "0 ms")]
    public void Duration_Milliseconds_HasOnePrecisionPerRange(double milliseconds, string words) =>
        Assert.Equal(words, Figures.Duration(milliseconds).Replace('\u00A0', ' '));

    [Theory]
    [InlineData("明日の東京", "ja")]
    [InlineData("東京", "ja")]
    [InlineData("明天北京和上海哪个城市更热一些呢", "zh")]
    [InlineData("내일 서울", "ko")]
    [InlineData("Hello", null)]
    [InlineData("", null)]
    public void Of_Text_TellsTheLanguageFromTheScript(string text, string? language) => Assert.Equal(language, Language.Of(text));

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("\"a string\"", "a string")]
    [InlineData("""{"q": "Weather?"}""", "Weather?")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"system","content":"S"},{"role":"user","content":"U"},{"role":"assistant","content":"A"}]}""", "U")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:x"}}]}]}""", "What is this? [image]")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":"cut he""", """{"model":"gpt-4o","messages":[{"role":"user","content":"cut he""")]
    [InlineData("""{"messages":[{"role":"user","content":"東京の天気"}],"tools":[{"type":"fun""", "東京の天気")]
    [InlineData("[1,2]", "[1,2]")]
    [InlineData("", "")]
    public void Request_Preview_SaysWhatWasAsked(string preview, string text) => Assert.Equal(text, PreviewText.Request(preview));

    [Theory]
    [InlineData("""{"choices":[{"message":{"role":"assistant","content":"**Hi**"}}]}""", "Hi")]
    [InlineData("""{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}""", "f({})")]
    [InlineData("""{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}]}""", "Hi")]
    public void Response_Preview_SaysWhatWasAnswered(string preview, string text) => Assert.Equal(text, PreviewText.Response(preview));

    [Fact]
    public void Cut_SurrogatePair_IsNotSplit() => Assert.Equal("a…", PreviewText.Cut("a😀b", 3));

    [Fact]
    public void Previews_AnyText_DoNotThrow() => Gen.String.Sample(text =>
    {
        PreviewText.Request(text);
        PreviewText.Request("{\"messages\":[{\"content\":\"" + text);
        JsonMarkup.Render(text);
        Language.Of(text);
    });

    [Fact]
    public void Render_Json_KeepsTextReadableAndEncoded()
    {
        var html = JsonMarkup.Render("""{"city":"東京 <b>&\"","n":1.50,"ok":true}""");

        Assert.Contains("東京 &lt;b&gt;&amp;\\&quot;", html, StringComparison.Ordinal);
        Assert.Contains("<span class=\"n\">1.50</span>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_NotJson_IsEncodedAsItIs() => Assert.Equal("&lt;script&gt;", JsonMarkup.Render("<script>"));

    [Fact]
    public async Task Figures_InJapanese_AreAsJapanReadsThem()
    {
        var figures = await Task.Run(
            () =>
            {
                Words.PageLanguage = Words.Japanese;
                var monday = new DateTimeOffset(2026, 11, 23, 3, 14, 7, TimeSpan.Zero);
                return new[]
                {
                    Figures.Duration(125_000), Figures.Duration(412), Figures.Percent(0.38), Figures.Percent(0.001), Figures.Plural(1, "trace"), Figures.Plural(1531, "trace"), Figures.Day(monday), Figures.MonthDay(monday),
                    Figures.ShortTime(monday.ToUnixTimeMilliseconds(), monday.AddDays(1)), Figures.ShortTime(monday.ToUnixTimeMilliseconds(), monday.AddYears(1)),
                };
            },
            TestContext.Current.CancellationToken);

        Assert.Equal(["2\u00A0分\u00A005\u00A0秒", "412\u00A0ms", "38%", "1% 未満", "トレース 1 件", "トレース 1,531 件", "23日(月)", "11月23日", "11/23 03:14", "2026/11/23"], figures);
        Assert.Equal("Mon 23", Figures.Day(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero)));
    }

    [Theory]
    [InlineData(0.4, "<1\u00A0ms")]
    [InlineData(2, "2\u00A0ms")]
    [InlineData(2.6, "2\u00A0ms")]
    [InlineData(12.7, "12\u00A0ms")]
    [InlineData(999.9, "999\u00A0ms")]
    [InlineData(3418.2, "3.42\u00A0s")]
    public void TraceDuration_FromListOrSpans_ReadsTheSame(double ms, string text)
    {
        Assert.Equal(text, Figures.TraceDuration(ms));
        Assert.Equal(text, Figures.TraceDuration(Math.Floor(ms)));
    }
}
