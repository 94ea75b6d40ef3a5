using MLflow.Server.Ui.Formatting;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class WordsTests
{
    [Theory]
    [InlineData(Words.English, "Experiments", "Experiments")]
    [InlineData(Words.Japanese, "Experiments", "実験")]
    [InlineData(Words.Japanese, "Never translated", "Never translated")]
    [InlineData(Words.Japanese, "Answer", "回答")]
    [InlineData(Words.Japanese, "answer", "回答")]
    public async Task Text_InALanguage_IsTranslatedOrEnglish(string language, string english, string expected)
    {
        // In a flow of its own: the language goes no further than the page.
        var text = await Task.Run(() =>
        {
            Words.PageLanguage = language;
            return Words.T(english);
        }, TestContext.Current.CancellationToken);

        Assert.Equal(expected, text);
        Assert.Equal(Words.English, Words.PageLanguage);
    }
}
