using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Reading;

/// <summary>What a provider said is left of a limit: the three headers <c>x-ratelimit-…-requests</c> or <c>-tokens</c> as one line.</summary>
/// <param name="Unit">Of what: <c>requests</c>, <c>tokens</c>.</param>
/// <param name="Remaining">What is left, or null.</param>
/// <param name="Limit">Of how many, or null.</param>
/// <param name="Reset">When it is full again, or null.</param>
public sealed record RateLimit(string Unit, string? Remaining, string? Limit, string? Reset)
{
    private const string Prefix = "x-ratelimit-";

    public string Words =>
        (Limit is null ? T("{0} {1} left", Remaining ?? "?", Unit) : T("{0} of {1} {2} left", Remaining ?? "?", Limit, Unit)) + (Reset is null ? "" : ", " + T("full again in {0}", Reset));

    public static bool IsOne(string header) => header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);

    public static IEnumerable<RateLimit> Of(IReadOnlyList<KeyValuePair<string, string>> headers) => headers
        .Where(header => IsOne(header.Key))
        .Select(header => (Words: header.Key[Prefix.Length..].Split('-', 2), header.Value))
        .GroupBy(header => header.Words.Length > 1 ? header.Words[1].ToLowerInvariant() : "")
        .Select(group =>
        {
            string? Find(string word) => group.Where(header => header.Words[0].Equals(word, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value).FirstOrDefault();
            return new RateLimit(group.Key, Find("remaining"), Find("limit"), Find("reset"));
        });
}
