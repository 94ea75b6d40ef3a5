namespace MLflow.Server.Gateway;

/// <summary>A model that somebody wants an endpoint to have.</summary>
/// <param name="SecretId">The key that it is called with, which says the provider, too.</param>
/// <param name="ModelName">As the provider calls it.</param>
/// <param name="Weight">Its part of the calls.</param>
/// <param name="IsFallback">Whether it is asked only where others failed.</param>
internal sealed record ModelChoice(string SecretId, string ModelName, double Weight, bool IsFallback);
