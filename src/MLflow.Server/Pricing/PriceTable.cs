using System.Collections.Concurrent;

namespace MLflow.Server.Pricing;

/// <summary>Prices of models. A table that the user gives goes before the shipped one.</summary>
internal sealed class PriceTable
{
    /// <summary>Names of models come with the spans of strangers; what is remembered of them is bounded.</summary>
    private const int MaxRemembered = 10_000;

    private static readonly Lazy<PriceTable> ShippedTable = new(ReadShipped);

    private readonly IReadOnlyList<ModelPrices> _models;
    private readonly ConcurrentDictionary<(string Provider, string Model), ModelPrices?> _found = new();

    public PriceTable(string version, IReadOnlyList<ModelPrices> models, PriceAliases aliases)
    {
        Version = version;
        _models = models;
        Aliases = aliases;
    }

    /// <summary>The table that comes with the server.</summary>
    public static PriceTable Shipped => ShippedTable.Value;

    /// <summary>What is noted with each cost.</summary>
    public string Version { get; }

    public PriceAliases Aliases { get; }

    public IReadOnlyList<ModelPrices> Models => _models;

    /// <summary>This table before another: where both know a model, this one's prices count.</summary>
    public PriceTable Before(PriceTable other) => new($"{Version}, {other.Version}", [.. _models, .. other._models], Aliases.Before(other.Aliases));

    public PriceTable With(PriceAliases aliases) => new(Version, _models, aliases.Before(Aliases));

    /// <summary>The prices of a model by its exact name, or null.</summary>
    public ModelPrices? Find(string provider, string model)
    {
        if (_found.TryGetValue((provider, model), out var found))
        {
            return found;
        }

        found = _models.FirstOrDefault(prices => prices.Provider == provider && prices.Matches(model));
        if (_found.Count < MaxRemembered)
        {
            _found[(provider, model)] = found;
        }

        return found;
    }

    private static PriceTable ReadShipped()
    {
        using var stream = typeof(PriceTable).Assembly.GetManifestResourceStream("prices.json")!;
        return PriceTableReader.Read(stream, "the shipped price table", isShipped: true);
    }
}
