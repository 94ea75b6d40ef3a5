namespace MLflow.Server.Pricing;

/// <summary>What a user says of the names in the traces, since they do not tell a model by themselves.</summary>
/// <param name="Deployments">Name of a deployment or endpoint → name of the model that it serves.</param>
/// <param name="Hosts">Host → provider.</param>
/// <param name="UnknownHosts">Provider of all other hosts; null: their calls have no known price.</param>
internal sealed record PriceAliases(IReadOnlyDictionary<string, string> Deployments, IReadOnlyDictionary<string, string> Hosts, string? UnknownHosts)
{
    public static readonly PriceAliases None = new(new Dictionary<string, string>(), new Dictionary<string, string>(), null);

    public PriceAliases Before(PriceAliases other) =>
        new(Join(Deployments, other.Deployments, StringComparer.Ordinal), Join(Hosts, other.Hosts, StringComparer.OrdinalIgnoreCase), UnknownHosts ?? other.UnknownHosts);

    private static Dictionary<string, string> Join(IReadOnlyDictionary<string, string> first, IReadOnlyDictionary<string, string> second, StringComparer comparer)
    {
        var joined = new Dictionary<string, string>(second, comparer);
        foreach (var (key, value) in first)
        {
            joined[key] = value;
        }

        return joined;
    }
}
