using System.Text.RegularExpressions;
using MLflow.Server.Pricing;

namespace MLflow.Server.Ui.Settings;

/// <summary>The prices of a model as they are now, in US dollars for a million tokens; null where there is none.</summary>
/// <param name="Provider">Whose.</param>
/// <param name="Model">Its name, or a regular expression of names.</param>
/// <param name="Input">Tokens of the prompt.</param>
/// <param name="CachedInput">Those from the cache.</param>
/// <param name="CacheWrite">Those written to the cache.</param>
/// <param name="Output">Tokens of the answer.</param>
/// <param name="Others">Kinds of prices beside these.</param>
/// <param name="Source">Where they were read.</param>
public sealed partial record PriceRow(string Provider, string Model, decimal? Input, decimal? CachedInput, decimal? CacheWrite, decimal? Output, int Others, string Source)
{
    private static readonly string[] Kinds = ["input", "cached_input", "cache_write", "output"];

    /// <summary>The model as people call it: a pattern of one name is that name.</summary>
    public string Name => OneName().IsMatch(Model) ? Regex.Unescape(Model[1..^1]) : Model;

    /// <summary>The rows of a table in which every word of a search is; a model that stands in it twice has the first prices.</summary>
    internal static IReadOnlyList<PriceRow> Of(PriceTable table, string? search, DateTimeOffset now)
    {
        var words = (search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return [.. table.Models.DistinctBy(model => (model.Provider, model.Model)).Select(model => Of(model, now))
            .Where(row => Array.TrueForAll(words, word => row.Provider.Contains(word, StringComparison.OrdinalIgnoreCase) || row.Name.Contains(word, StringComparison.OrdinalIgnoreCase)))];
    }

    private static PriceRow Of(ModelPrices model, DateTimeOffset now)
    {
        var held = model.Prices.Where(price => price.HoldsAt(now)).ToList();
        return new PriceRow(
            model.Provider, model.Model, Tokens(Kinds[0]), Tokens(Kinds[1]), Tokens(Kinds[2]), Tokens(Kinds[3]),
            held.Select(price => price.Kind).Except(Kinds).Count(), held.Select(price => price.Source).FirstOrDefault(source => source.Length > 0) ?? "");

        decimal? Tokens(string kind) => model.At(kind, now) is { Unit: PriceUnit.MillionTokens } price ? price.Usd : null;
    }

    [GeneratedRegex(@"^\^([\w:/@-]|\\\.)+\$$")]
    private static partial Regex OneName();
}
