namespace MLflow.Server.Access.Http;

/// <summary>
/// Wrong tokens by address. They cannot be guessed, so this only bounds what they cost: the audit log has an entry for each until then. Right tokens are never refused for it.
/// </summary>
internal sealed class TokenFailures
{
    public TokenFailures(TimeProvider timeProvider) => Limits = new FailureLimits(timeProvider, 30, TimeSpan.FromMinutes(1));

    public FailureLimits Limits { get; }
}
