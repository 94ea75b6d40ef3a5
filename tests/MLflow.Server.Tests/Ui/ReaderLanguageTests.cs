using Microsoft.AspNetCore.Http;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Languages;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class ReaderLanguageTests
{
    [Theory]
    [InlineData(null, null, Words.English)]
    [InlineData(null, "ja", Words.Japanese)]
    [InlineData(null, "JA-jp,en;q=0.9", Words.Japanese)]
    [InlineData(null, "en-GB,en;q=0.9,ja;q=0.8", Words.English)]
    [InlineData(null, "fr;q=1, en;q=0.2, ja;q=0.5", Words.Japanese)]
    [InlineData(null, "ja;q=0, en;q=0.1", Words.English)]
    [InlineData(null, "fr-CH, de", Words.English)]
    [InlineData(null, "*;;;, \u0001", Words.English)]
    [InlineData("ja", "en", Words.Japanese)]
    [InlineData("en", "ja", Words.English)]
    [InlineData("../ja", "en", Words.English)]
    public void Language_IsTheChosenOneElseWhatTheBrowserAsksFor(string? cookie, string? accepted, string expected)
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.AcceptLanguage = accepted;
        if (cookie is not null)
        {
            request.Headers.Cookie = $"{ReaderLanguage.Cookie}={cookie}";
        }

        Assert.Equal(expected, ReaderLanguage.Of(request));
    }

    [Fact]
    public async Task Language_OfARequest_EndsWithIt()
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.AcceptLanguage = "ja";
        var within = "";

        await ReaderLanguage.SetAsync(context, _ =>
        {
            within = Words.PageLanguage;
            return Task.CompletedTask;
        });

        Assert.Equal((Words.Japanese, Words.English), (within, Words.PageLanguage));
    }
}
