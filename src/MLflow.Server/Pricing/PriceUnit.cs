namespace MLflow.Server.Pricing;

/// <summary>What a price is for.</summary>
internal enum PriceUnit
{
    MillionTokens,
    MillionCharacters,
    Minute,
    Image,
}
