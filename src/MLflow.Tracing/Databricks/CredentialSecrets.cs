namespace MLflow;

/// <summary>The secrets that hold a workspace's address and a token for it, as <c>databricks://scope:prefix</c> names them.</summary>
/// <param name="Scope">Their scope.</param>
/// <param name="Prefix">How their names begin.</param>
internal sealed record CredentialSecrets(string Scope, string Prefix)
{
    public string HostKey => Prefix + "-host";

    public string TokenKey => Prefix + "-token";

    /// <summary>Null for the name of a profile, which has no colon.</summary>
    /// <exception cref="ArgumentException">Scope or prefix cannot be one.</exception>
    public static CredentialSecrets? Read(string? profile)
    {
        if (profile?.Split(':', 2) is not [var scope, var prefix])
        {
            return null;
        }

        if (prefix.Length == 0)
        {
            throw new ArgumentException($"'{profile}' has no prefix after the colon: write 'databricks://scope:prefix', for the secrets 'prefix-host' and 'prefix-token' of the scope.", nameof(profile));
        }

        var secrets = new CredentialSecrets(scope, prefix);
        SecretNameRule.Check(scope, "scope", nameof(profile));
        SecretNameRule.Check(secrets.TokenKey, "key", nameof(profile));
        return secrets;
    }
}
