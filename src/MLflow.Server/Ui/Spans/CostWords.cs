using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Spans;

/// <summary>What was kept in English with the price of a call, in the reader's language.</summary>
internal static class CostWords
{
    public static string Of(string kept) => kept switch
    {
        "the provider is taken to be openai" => T("the provider is taken to be openai"),
        "the address does not tell the provider" => T("the address does not tell the provider"),
        "the call names no model" => T("the call names no model"),
        "the tier is not known" => T("the tier is not known"),
        "the usage is more than one call can have" => T("the usage is more than one call can have"),
        _ => Filled(kept, "priced as ", "") is { } alias ? T("priced as {0}", alias)
            : Filled(kept, "no price of ", " is known") is { } model ? T("no price of {0} is known", model)
            : kept,
    };

    private static string? Filled(string kept, string before, string after) =>
        kept.StartsWith(before, StringComparison.Ordinal) && kept.EndsWith(after, StringComparison.Ordinal) ? kept[before.Length..^after.Length] : null;
}
