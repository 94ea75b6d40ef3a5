using System.Text;
using System.Text.RegularExpressions;
using MLflow.Server.Pricing;
using Xunit;

namespace MLflow.Server.Tests.Pricing;

public sealed class PriceTableTests
{
    [Fact]
    public void Shipped_EachPrice_SaysWhereAndWhenItWasRead()
    {
        var prices = PriceTable.Shipped.Models.SelectMany(model => model.Prices).ToList();

        Assert.True(prices.Count > 1000, $"{prices.Count} prices");
        Assert.All(prices, price => Assert.Matches(@".{10,}, \d{4}(-\d{2}){0,2}$", price.Source));
        Assert.All(prices, price => Assert.InRange(price.Usd, 0, 1000));
    }

    [Fact]
    public void Shipped_EachPattern_IsAnchoredAndCanBeMatched() =>
        Assert.All(PriceTable.Shipped.Models, model =>
        {
            Assert.StartsWith("^", model.Model, StringComparison.Ordinal);
            Assert.EndsWith("$", model.Model, StringComparison.Ordinal);
            _ = new Regex(model.Model, RegexOptions.NonBacktracking);
            Assert.False(model.Matches("no model at all"), model.Model);
        });

    [Fact]
    public void Shipped_NoKindOfAModel_HasTwoPricesAtATime()
    {
        var overlaps = PriceTable.Shipped.Models.SelectMany(model => model.Prices.GroupBy(price => price.Kind), (model, kind) => (model, kind))
            .Where(group => group.kind.Any(a => group.kind.Any(b => !ReferenceEquals(a, b) && (a.From ?? DateTimeOffset.MinValue) == (b.From ?? DateTimeOffset.MinValue))))
            .Select(group => $"{group.model.Provider} {group.model.Model} {group.kind.Key}");

        Assert.Empty(overlaps);
    }

    [Theory]
    [InlineData("openai", "gpt-4o", true)]
    [InlineData("openai", "gpt-4o-mini", true)]
    [InlineData("openai", "gpt-4o-of-mine", false)]
    [InlineData("nobody", "gpt-4o", false)]
    public void Find_OnlyWholeNamesOfTheProvider(string provider, string model, bool isFound) => Assert.Equal(isFound, PriceTable.Shipped.Find(provider, model) is not null);

    [Fact]
    public void Read_TableWithMistakes_NamesThemAll()
    {
        var thrown = Assert.Throws<PriceTableException>(() => Read(
            """
            { "version": "mine", "hosts": { "llm.test": 7 }, "models": [
              { "provider": "openai", "model": "^(gpt", "prices": [] },
              { "provider": "openai", "model": "a", "prices": [ { "kind": "input", "usd": -1 }, { "kind": "input", "usd": 1, "per": "token" }, { "kind": "input", "usd": 1, "from": "yesterday" }, { "kind": "input", "usd": 1, "source": "x" } ] },
              { "model": "b", "prices": {} } ] }
            """));

        foreach (var mistake in (string[])["host 'llm.test' is not a text", "'^(gpt' is not a regular expression", "no 'usd'", "'per' of 'input' of 'a' is none of million_tokens", "\"yesterday\"", "the source 'x'", "has no 'provider'", "'b' has no list 'prices'"])
        {
            Assert.Contains(mistake, thrown.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", "is not JSON")]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("{}", "has no 'version'")]
    public void Read_SomethingElse_SaysWhat(string text, string message) =>
        Assert.Contains(message, Assert.Throws<PriceTableException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Before_TablesThatBothKnowAModel_TakesTheFirstOnes()
    {
        var mine = Read("""{ "version": "mine", "models": [ { "provider": "openai", "model": "gpt-4o", "prices": [ { "kind": "input", "usd": 7 } ] } ] }""");

        var table = mine.Before(PriceTable.Shipped);

        Assert.Equal(7, table.Find("openai", "gpt-4o")!.At("input", DateTimeOffset.UnixEpoch)!.Usd);
        Assert.NotNull(table.Find("openai", "gpt-4o-mini"));
        Assert.StartsWith("mine, ", table.Version, StringComparison.Ordinal);
    }

    internal static PriceTable Read(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        return PriceTableReader.Read(stream, "the table", isShipped: false);
    }
}
