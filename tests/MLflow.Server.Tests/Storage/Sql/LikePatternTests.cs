using System.Text;
using System.Text.RegularExpressions;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sql;
using Xunit;

namespace MLflow.Server.Tests.Storage.Sql;

public sealed class LikePatternTests
{
    private static readonly SearchClock Clock = new(TimeProvider.System, TimeSpan.FromHours(1), default);

    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("%", "", true)]
    [InlineData("%%", "a", true)]
    [InlineData("a%a", "a", false)]
    [InlineData("a%a", "aa", true)]
    [InlineData("%ab%ab%", "aab_ab", true)]
    [InlineData("_", "東", true)]
    [InlineData("_", "😀", true)]
    [InlineData("__", "😀", false)]
    [InlineData("%__%", "😀", false)]
    [InlineData("%_é", "😀é", true)]
    [InlineData("a\\%", "a\\b", true)]
    [InlineData("[a]*?", "[a]*?", true)]
    [InlineData("A%", "abc", false)]
    public void IsMatch_Pattern_IsLike(string pattern, string text, bool expected) =>
        Assert.Equal(expected, new LikePattern(pattern, ignoreCase: false).IsMatch(text, Clock));

    [Fact]
    public void IsMatch_AcrossTheWindow_IsFound()
    {
        var text = new string('x', 64 * 1024 - 3) + "needle" + new string('x', 70_000);

        Assert.True(new LikePattern("%needle%", ignoreCase: false).IsMatch(text, Clock));
        Assert.True(new LikePattern("%n_edl_x%", ignoreCase: false).IsMatch(text, Clock));
        Assert.True(new LikePattern("x%NEEDLE%x", ignoreCase: true).IsMatch(text, Clock));
        Assert.False(new LikePattern("%needle%needle%", ignoreCase: false).IsMatch(text, Clock));
    }

    [Fact]
    public void IsMatch_AnyPattern_AgreesWithARegularExpression()
    {
        const string Characters = "aAbBé%_😀*";
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string Some(int length) => string.Concat(Enumerable.Range(0, random.Next(length)).Select(_ => Characters.EnumerateRunes().ElementAt(random.Next(8)).ToString()));

        for (var i = 0; i < 20_000; i++)
        {
            var (pattern, text, ignoreCase) = (Some(7), Some(9), random.Next(2) == 0);
            var regex = new StringBuilder(@"\A");
            foreach (var rune in pattern.EnumerateRunes())
            {
                regex.Append(rune.ToString() switch
                {
                    "%" => ".*",
                    "_" => @"(?:[\uD800-\uDBFF][\uDC00-\uDFFF]|[^\uD800-\uDFFF])",
                    var other => Regex.Escape(other),
                });
            }

            var expected = Regex.IsMatch(text, regex.Append(@"\z").ToString(), RegexOptions.Singleline | RegexOptions.CultureInvariant | (ignoreCase ? RegexOptions.IgnoreCase : 0));
            Assert.True(expected == new LikePattern(pattern, ignoreCase).IsMatch(text, Clock), $"seed {seed}: '{text}' LIKE '{pattern}', case ignored: {ignoreCase}, expected: {expected}");
        }
    }
}
