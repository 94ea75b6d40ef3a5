namespace MLflow.Server.Pricing;

/// <summary>What a provider asks for one kind of unit during a time.</summary>
/// <param name="Kind">
/// What is paid for: a bucket (<c>input</c>, <c>cached_input</c>, <c>cache_write</c>, <c>output</c>, <c>audio_input</c>, …), after it the quality and size
/// of an image, before it the service tier (<c>flex_</c>) and the size of the prompt from which it counts for the whole request (<c>long_context_272000_</c>).
/// </param>
/// <param name="Unit">For how much.</param>
/// <param name="Usd">US dollars.</param>
/// <param name="From">First instant; null where it is not known.</param>
/// <param name="To">First instant after it; null where it holds still.</param>
/// <param name="Source">Where it was read, and when.</param>
internal sealed record Price(string Kind, PriceUnit Unit, decimal Usd, DateTimeOffset? From, DateTimeOffset? To, string Source)
{
    public const decimal PicoUsd = 1_000_000_000_000m;

    /// <summary>10⁻¹² US dollars for a token, a character, a second or an image. Published prices have six decimals for a million tokens, so a token's is whole.</summary>
    public decimal PicoUsdEach => Usd * PicoUsd / Unit switch
    {
        PriceUnit.Minute => 60,
        PriceUnit.Image => 1,
        _ => 1_000_000,
    };

    public bool HoldsAt(DateTimeOffset instant) => (From is null || instant >= From) && (To is null || instant < To);
}
