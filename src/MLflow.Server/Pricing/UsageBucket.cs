namespace MLflow.Server.Pricing;

/// <summary>Part of a call's usage that is paid for by itself. No unit is in two of them.</summary>
/// <param name="Kind">Kind of its price, without tier and prompt size.</param>
/// <param name="Fallback">Kind whose price counts where it has none of its own: no discount, no surcharge. Null where there is none.</param>
/// <param name="IsInput">Part of the input.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Count">Tokens, characters, seconds or images.</param>
internal readonly record struct UsageBucket(string Kind, string? Fallback, bool IsInput, PriceUnit Unit, decimal Count);
