namespace MLflow.Server.Pricing;

/// <summary>A price table cannot be read. The message names every mistake.</summary>
internal sealed class PriceTableException : Exception
{
    public PriceTableException(string message)
        : base(message)
    {
    }
}
