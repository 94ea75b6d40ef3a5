using System.Text.RegularExpressions;
using MLflow.Server.Ui.Formatting;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>What the pages say is there in each language.</summary>
public sealed partial class TranslationTests
{
    [Fact]
    public void Words_OfThePages_AreAllTranslated()
    {
        Assert.NotEmpty(PageWords.Keys());
        Assert.Empty(PageWords.Keys().Where(word => !Words.JapaneseWords.ContainsKey(word.Key)).Select(word => $"{word.File}: {word.Key}").Distinct().Order(StringComparer.Ordinal));
        Assert.Empty(PageWords.Interpolated());
    }

    [Fact]
    public void Translations_AreAllOfWordsThatThePagesShow()
    {
        var shown = PageWords.Texts();
        shown.UnionWith(PageWords.Keys().Select(word => word.Key));

        Assert.Empty(PageWords.Translations().Where(translation => !shown.Contains(translation.Key)).Select(translation => $"{translation.File}: {translation.Key}"));
    }

    [Fact]
    public void Translations_HaveThePlacesOfTheirWordsAndNoneTwice()
    {
        Assert.All(PageWords.Translations(), translation => Assert.Equal(Places(translation.Key), Places(translation.Text)));

        // Names of resources differ by more than their case, or one of them is lost.
        Assert.Empty(PageWords.Translations().Where(translation => Words.JapaneseWords.GetValueOrDefault(translation.Key) != translation.Text).Select(translation => $"{translation.File}: {translation.Key}"));
        Assert.Empty(PageWords.Translations().GroupBy(translation => translation.Key, StringComparer.OrdinalIgnoreCase).Where(same => same.Select(one => one.Text).Distinct().Count() > 1).Select(same => $"{string.Join(", ", same.Select(one => one.File))}: {same.Key}"));
    }

    private static List<string> Places(string text) => [.. Place().Matches(text).Select(place => place.Value).Distinct().Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Place();
}
