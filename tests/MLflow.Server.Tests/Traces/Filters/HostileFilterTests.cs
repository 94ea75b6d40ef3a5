using MLflow.Server.Traces.Filters;
using Xunit;

namespace MLflow.Server.Tests.Traces.Filters;

public sealed class HostileFilterTests
{
    public static TheoryData<string, string> TooMuch => new()
    {
        { "name = '" + new string('x', 50_000) + "'", "The filter string has 50009 characters; at most 50000 are allowed." },
        { string.Join(" AND ", Enumerable.Repeat("name = 'a'", 3000)), "The filter has more than 100 conditions; split the search (at position 1501)" },
        { string.Join(" OR ", Enumerable.Repeat("name = 'a'", 101)), "The filter has more than 100 conditions; split the search (at position 1401)" },
        { new string('(', 20_000), "The filter nests parentheses and NOT deeper than 32 levels (at position 33)" },
        { string.Concat(Enumerable.Repeat("NOT ", 10_000)) + "name = 'a'", "The filter nests parentheses and NOT deeper than 32 levels (at position 129)" },
        { "status IN (" + string.Join(',', Enumerable.Repeat("'a'", 1001)) + ")", "The list has more than 1000 values; split the search (at position 4012)" },
        { "name RLIKE '" + new string('a', 1001) + "'", "Invalid regular expression: it has 1001 characters, and at most 1000 are allowed (at position 12)" },
        { "name = 'a' AND " + new string('x', 40_000), "Invalid clause(s) in filter string: '" + new string('x', 200) + "… (40000 characters)'. A comparison should follow (at position 16)" },
    };

    [Theory]
    [MemberData(nameof(TooMuch), DisableDiscoveryEnumeration = true)]
    public void Parse_TooMuch_NamesTheLimit(string filter, string message)
    {
        var exception = Assert.Throws<MlflowException>(() => TraceFilter.Parse(filter));

        Assert.Equal((ErrorCode.INVALID_PARAMETER_VALUE, message), (exception.ErrorCode, exception.Message));
    }

    [Theory]
    [InlineData("a\\ud800b")]
    [InlineData("a\\udc00b")]
    public void Parse_HalfOfASurrogatePair_IsRefused(string value)
    {
        // Test names cannot hold it.
        var filter = $"name = '{System.Text.RegularExpressions.Regex.Unescape(value)}'";

        Assert.Equal(
            "Invalid clause(s) in filter string: it has half of a surrogate pair, which is no character (at position 10)",
            Assert.Throws<MlflowException>(() => TraceFilter.Parse(filter)).Message);
    }

    [Fact]
    public void Parse_RegexThatExplodes_IsRefused()
    {
        var exception = Assert.Throws<MlflowException>(() => TraceFilter.Parse("name RLIKE '((a{1000}){1000}){1000}'"));

        Assert.StartsWith("Invalid regular expression '((a{1000}){1000}){1000}'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_TooManyOrderKeys_NamesTheLimit()
    {
        var exception = Assert.Throws<MlflowException>(() => TraceOrder.Parse([.. Enumerable.Range(0, 21).Select(i => $"tags.k{i}")]));

        Assert.Equal("`order_by` has 21 keys; at most 20 are allowed.", exception.Message);
    }

    [Fact]
    public void Parse_AnyMixOfTokens_IsAFilterOrAClearError()
    {
        string[] tokens =
        [
            "name", "status", "timestamp_ms", "tags.k", "span.name", "span.attributes.k", "span.content", "trace.text", "feedback.f", "`a b`", "tags.`a", "prompt", "run_id",
            "=", "!=", "<", ">=", "LIKE", "RLIKE", "IN", "NOT", "IS", "NULL", "AND", "OR", "(", ")", ",", ";", "'x'", "\"y\"", "'", "\"", "5", "-1.5e3", ".", "..", "東京", "\ud800", "\0", "--", "/*", "%",
        ];
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var filters = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var filter = string.Join(random.Next(4) == 0 ? "" : " ", Enumerable.Range(0, random.Next(1, 12)).Select(_ => tokens[random.Next(tokens.Length)]));
            try
            {
                TraceFilter.Parse(filter);
                filters++;
            }
            catch (MlflowException e)
            {
                Assert.True(e.ErrorCode == ErrorCode.INVALID_PARAMETER_VALUE && e.Message.Contains("position", StringComparison.Ordinal), $"seed {seed}: {filter}: {e.Message}");
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {filter}: {e}");
            }
        }

        Assert.InRange(filters, 1, 19_999);
    }
}
