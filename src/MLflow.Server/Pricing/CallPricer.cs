using System.Text.Json;
using System.Text.RegularExpressions;
using MLflow.Server.Conventions;
using MLflow.Server.Traces;

namespace MLflow.Server.Pricing;

/// <summary>
/// Adds to the span of a call what the call cost, and what that was told from, or why it is not known. A call is priced when it comes, and again when
/// log records or a newer mapping of conventions add to its span, each time by the prices of the call's day.
/// </summary>
internal sealed partial class CallPricer
{
    // What other sources of spans call the providers, https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
    private static readonly Dictionary<string, string> Providers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["azure.ai.openai"] = "azure",
        ["az.ai.openai"] = "azure",
        ["azure_openai"] = "azure",
        ["azure_ai"] = "azure",
        ["azure.ai.inference"] = "azure",
        ["together_ai"] = "together",
        ["mistral_ai"] = "mistral",
        ["mistralai"] = "mistral",
    };

    private static readonly string[] ModelPrefixes = ["models/", "openai/", "azure/", "azure_ai/", "databricks/", "groq/", "together_ai/", "mistral/", "deepseek/", "litellm_proxy/"];

    private readonly Func<PriceTable> _prices;

    public CallPricer(PriceTable table)
        : this(() => table)
    {
    }

    /// <param name="prices">The prices in force, asked for each call.</param>
    public CallPricer(Func<PriceTable> prices) => _prices = prices;

    /// <summary>The span, with the cost if it is that of a call.</summary>
    public SpanRecord Price(SpanRecord span)
    {
        // What a client or a gateway tells is taken as told.
        if (span[AttributeNames.Cost] is not null)
        {
            return span;
        }

        var usage = BillableUsage.Tokens(span);
        if (usage.Count == 0 && (span.EndNs is null || (usage = BillableUsage.Others(span)).Count == 0))
        {
            return span;
        }

        var table = _prices();
        var basis = new CostBasis { Version = table.Version };
        var cost = Price(table, span, usage, basis);
        if (cost is null && usage[0].Unit != PriceUnit.MillionTokens)
        {
            // Something that looks like a call of that kind.
            return span;
        }

        // What was sent stays as it is: the cost stands beside it, as what conventions were mapped to does.
        List<KeyValuePair<string, string>> added = [new(AttributeNames.CostBasis, JsonSerializer.Serialize(basis, CostBasisContext.Default.CostBasis))];
        if (cost is { } known)
        {
            added.Insert(0, new(AttributeNames.Cost, known.ToJson()));
        }

        return span with
        {
            Attributes = ConventionMapper.Join(span.Attributes, added),
            Mapped = [.. span.Mapped, .. added],
            Sent = span.Sent ?? span,
        };
    }

    private static CallCost? Price(PriceTable table, SpanRecord span, IReadOnlyList<UsageBucket> usage, CostBasis basis)
    {
        if (Provider(table, span, basis) is not { } provider || Model(table, span, provider, basis) is not { } prices)
        {
            return null;
        }

        basis.Provider = provider;
        basis.Model = prices.Model;
        var instant = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(span.StartNs / 1_000_000, 0, 253_402_300_799_999));
        var tier = Tier(span, basis);
        var prompt = usage.Where(bucket => bucket.IsInput).Sum(bucket => bucket.Count);
        var context = prices.LongContextTokens is { } most && usage[0].Unit == PriceUnit.MillionTokens && prompt > most ? prices.LongContextPrefix : "";
        decimal input = 0;
        decimal output = 0;
        foreach (var bucket in usage)
        {
            if (Find(prices, bucket, tier, context, instant, basis) is not { } price)
            {
                basis.Unknown = $"no price is known for '{bucket.Kind}' of {provider}'s {prices.Model.Trim('^', '$')} at that time";
                return null;
            }

            var amount = bucket.Count * price.PicoUsdEach;
            input += bucket.IsInput ? amount : 0;
            output += bucket.IsInput ? 0 : amount;
        }

        if (input > CallCost.Most || output > CallCost.Most)
        {
            basis.Unknown = "the usage is more than one call can have";
            return null;
        }

        return new CallCost((long)Math.Round(input), (long)Math.Round(output));
    }

    private static Price? Find(ModelPrices prices, UsageBucket bucket, string tier, string context, DateTimeOffset instant, CostBasis basis)
    {
        foreach (var kind in (ReadOnlySpan<string?>)[bucket.Kind, bucket.Fallback])
        {
            if (kind is null)
            {
                continue;
            }

            foreach (var (prefix, note) in (ReadOnlySpan<(string, string?)>)
            [
                (tier + context, null),
                (context, tier.Length > 0 ? "the tier has no price of its own" : null),
                (tier, context.Length > 0 ? "long prompts have no price of their own" : null),
                ("", "neither tier nor long prompts have a price of their own"),
            ])
            {
                if (prices.At(prefix + kind, instant) is { } price && price.Unit == bucket.Unit)
                {
                    Note(basis, note);
                    Note(basis, kind == bucket.Kind ? null : $"{bucket.Kind} at the price of {kind}");
                    return price;
                }
            }
        }

        return null;
    }

    private static string? Provider(PriceTable table, SpanRecord span, CostBasis basis)
    {
        if (StoredJson.String(span[AttributeNames.HttpUrl]) is { } url && Uri.TryCreate(url, UriKind.Absolute, out var uri) && table.Aliases.Hosts.TryGetValue(uri.Host, out var mapped))
        {
            return mapped;
        }

        if (StoredJson.String(span[AttributeNames.Provider]) is { Length: > 0 } provider)
        {
            return Providers.GetValueOrDefault(provider, provider.ToLowerInvariant());
        }

        if (span[AttributeNames.HttpUrl] is null)
        {
            // Clients that tell no provider are, nearly all, those of OpenAI; the model's name has to be one of OpenAI's.
            Note(basis, "the provider is taken to be openai");
            return table.Aliases.UnknownHosts ?? "openai";
        }

        if (table.Aliases.UnknownHosts is null)
        {
            basis.Unknown = "the address does not tell the provider";
        }

        return table.Aliases.UnknownHosts;
    }

    private static ModelPrices? Model(PriceTable table, SpanRecord span, string provider, CostBasis basis)
    {
        List<string> names = [];
        foreach (var attribute in (ReadOnlySpan<string>)[AttributeNames.ResponseModel, AttributeNames.RequestModel, AttributeNames.Model])
        {
            if (StoredJson.String(span[attribute]) is { Length: > 0 and <= 256 } name && !names.Contains(name))
            {
                names.Add(name);
            }
        }

        if (names.Count == 0 && SpanFacts.ModelOf(span, TokenCounts.Parse(span[AttributeNames.TokenUsage])) is { Length: <= 256 } told)
        {
            names.Add(told);
        }

        // A deployment's name says nothing, and old Azure answers name the model without its version: what the user says counts.
        if (names.Select(name => table.Aliases.Deployments.GetValueOrDefault(name)).FirstOrDefault(mapped => mapped is not null) is { } deployed)
        {
            names.Insert(0, deployed);
        }

        foreach (var name in names)
        {
            if (Find(table, provider, name, basis) is { } found)
            {
                return found;
            }
        }

        basis.Unknown = names.Count == 0 ? "the call names no model" : $"no price of {provider}'s {string.Join(" or ", names.Select(name => $"'{name}'"))} is known";
        return null;
    }

    private static ModelPrices? Find(PriceTable table, string provider, string name, CostBasis basis)
    {
        name = name.Trim();
        if (table.Find(provider, name) is { } exact)
        {
            return exact;
        }

        foreach (var prefix in ModelPrefixes)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && table.Find(provider, name[prefix.Length..]) is { } found)
            {
                return found;
            }
        }

        var alias = Snapshot().Replace(name, "");
        if (alias != name && table.Find(provider, alias) is { } assumed)
        {
            Note(basis, $"priced as {alias}");
            return assumed;
        }

        return null;
    }

    /// <summary>The tier that answered, which may be another than the one asked for.</summary>
    private static string Tier(SpanRecord span, CostBasis basis)
    {
        var tier = StoredJson.String(span[AttributeNames.ServiceTier])?.ToLowerInvariant();
        var prefix = tier switch
        {
            null or "" or "default" or "standard" or "auto" or "scale" => "",
            "flex" => "flex_",
            "priority" or "fast" => "priority_",
            "ultrafast" => "ultrafast_",
            _ => null,
        };
        if (prefix is null)
        {
            Note(basis, "the tier is not known");
        }
        else if (prefix.Length > 0)
        {
            basis.Tier = tier;
        }

        return prefix ?? "";
    }

    private static void Note(CostBasis basis, string? note)
    {
        if (note is not null && basis.Notes?.Contains(note) != true)
        {
            (basis.Notes ??= []).Add(note);
        }
    }

    [GeneratedRegex(@"-(\d{4}-\d{2}-\d{2}|\d{4})$", RegexOptions.CultureInvariant)]
    private static partial Regex Snapshot();
}
