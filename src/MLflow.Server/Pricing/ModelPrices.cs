using System.Globalization;
using System.Text.RegularExpressions;

namespace MLflow.Server.Pricing;

/// <summary>The prices of a provider's models that share them.</summary>
internal sealed partial class ModelPrices
{
    private const string LongContext = "long_context_";
    private readonly Lazy<Regex>? _pattern;
    private readonly ILookup<string, Price> _byKind;

    /// <param name="provider">Name of the provider, as in <c>mlflow.llm.provider</c>.</param>
    /// <param name="model">A model's name, or with <c>^</c> at its beginning a regular expression for names.</param>
    /// <param name="prices">In any order.</param>
    public ModelPrices(string provider, string model, IReadOnlyList<Price> prices)
    {
        Provider = provider;
        Model = model;
        Prices = prices;
        _byKind = prices.ToLookup(price => price.Kind);
        if (model.StartsWith('^'))
        {
            // Hundreds of them, of which a server needs a few.
            _pattern = new Lazy<Regex>(() => new Regex(model, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking));
        }

        // Of an expression, the shortest name that it matches, where that can be seen.
        var name = model.StartsWith('^') ? OptionalEnd().Replace(model.Trim('^', '$'), "").Replace("\\", "", StringComparison.Ordinal) : model;
        Name = PlainName().IsMatch(name) ? name : null;
        LongContextTokens = prices.Select(price => Threshold(price.Kind)).Max();
    }

    public string Provider { get; }

    public string Model { get; }

    /// <summary>The model's name; null where there are many, as of models that users have made.</summary>
    public string? Name { get; }

    public IReadOnlyList<Price> Prices { get; }

    /// <summary>A prompt with more tokens than this has prices of its own. Null where none has.</summary>
    public long? LongContextTokens { get; }

    public string LongContextPrefix => LongContextTokens is { } tokens ? string.Create(CultureInfo.InvariantCulture, $"{LongContext}{tokens}_") : "";

    public bool Matches(string model) => _pattern is null ? Model == model : _pattern.Value.IsMatch(model);

    /// <summary>The price at an instant; of several the one that began last. Null where none is known.</summary>
    public Price? At(string kind, DateTimeOffset instant)
    {
        Price? found = null;
        foreach (var price in _byKind[kind])
        {
            if (price.HoldsAt(instant) && (found is null || (price.From ?? DateTimeOffset.MinValue) >= (found.From ?? DateTimeOffset.MinValue)))
            {
                found = price;
            }
        }

        return found;
    }

    private static long? Threshold(string kind)
    {
        var at = kind.IndexOf(LongContext, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var rest = kind[(at + LongContext.Length)..];
        var end = rest.IndexOf('_', StringComparison.Ordinal);
        return end > 0 && long.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) ? tokens : null;
    }

    [GeneratedRegex(@"\([^()]*\)\?", RegexOptions.CultureInvariant)]
    private static partial Regex OptionalEnd();

    [GeneratedRegex(@"^[a-zA-Z0-9._:/@-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainName();
}
