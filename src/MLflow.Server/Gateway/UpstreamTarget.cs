namespace MLflow.Server.Gateway;

/// <summary>A model that a call may go to, with what it takes to call it.</summary>
/// <param name="ModelId">The model's own id.</param>
/// <param name="Provider">Whose it is.</param>
/// <param name="Model">As the provider calls it.</param>
/// <param name="Address">Where the call goes.</param>
/// <param name="Key">The provider's key.</param>
/// <param name="NamesModel">Whether the body names the model.</param>
internal sealed record UpstreamTarget(string ModelId, GatewayProvider Provider, string Model, Uri Address, string Key, bool NamesModel)
{
    // A record would print the key.
    public override string ToString() => $"{Provider.Name}/{Model}";
}
