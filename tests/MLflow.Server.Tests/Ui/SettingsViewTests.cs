using MLflow.Server.Pricing;
using MLflow.Server.Ui.Settings;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class SettingsViewTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 27, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Prices_OfTheDay_AreThoseOfTheFirstTable()
    {
        var table = new PriceTable("ours", [new ModelPrices("openai", "gpt-4o", [Price("input", 9, to: Now.AddDays(-1)), Price("input", 2, Now.AddDays(-1)), Price("output", 8), Price("flex_input", 1)])], PriceAliases.None)
            .Before(new PriceTable("theirs", [new ModelPrices("openai", "gpt-4o", [Price("input", 5)]), new ModelPrices("azure", "gpt-4o", [])], PriceAliases.None));

        Assert.Equal(
            [new PriceRow("openai", "gpt-4o", 2, null, null, 8, 1, "list"), new PriceRow("azure", "gpt-4o", null, null, null, null, 0, "")],
            PriceRow.Of(table, " GPT ", Now));
        Assert.Equal("azure", Assert.Single(PriceRow.Of(table, "4o azu", Now)).Provider);
        Assert.Empty(PriceRow.Of(table, "none", Now));
    }

    [Theory]
    [InlineData("^gpt-3\\.5-turbo$", "gpt-3.5-turbo")]
    [InlineData("^gpt-4$", "gpt-4")]
    [InlineData("gpt-4.1", "gpt-4.1")]
    [InlineData("^gpt-4(-mini)?$", "^gpt-4(-mini)?$")]
    public void Name_OfAModel_IsWithoutItsPatternWhereItIsOneName(string model, string name) => Assert.Equal(name, new PriceRow("openai", model, null, null, null, null, 0, "").Name);

    [Theory]
    [InlineData("{\"email\": \"a@b\", \"n\": 1}", "email", null, null, "{\"email\": \"[REDACTED]\", \"n\": 1}")]
    [InlineData("card 1234-5678 here", null, null, "[0-9]{4}-[0-9]{4}", "card [REDACTED] here")]
    [InlineData("nothing", null, null, null, "nothing")]
    public void Preview_OfAText_IsWhatIsLeft(string text, string? keys, string? paths, string? patterns, string left) =>
        Assert.Equal(left, RedactionPreview.Of(text, keys, paths, patterns));

    [Fact]
    public void Preview_OfASecret_HasItNot() =>
        Assert.DoesNotContain("abcdefghijklmnop", RedactionPreview.Of("key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH", null, null, null), StringComparison.Ordinal);

    [Theory]
    [InlineData(null, null, "(")]
    [InlineData(null, "$[", null)]
    public void Preview_RuleThatIsNone_IsSaid(string? keys, string? paths, string? patterns) =>
        Assert.ThrowsAny<ArgumentException>(() => RedactionPreview.Of("x", keys, paths, patterns));

    private static Price Price(string kind, decimal usd, DateTimeOffset? from = null, DateTimeOffset? to = null) => new(kind, PriceUnit.MillionTokens, usd, from, to, "list");
}
