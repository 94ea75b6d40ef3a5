using System.Text;

namespace MLflow;

/// <summary>A workspace's address and a personal token for it, from secrets of another or the same workspace. They are read again when the token is refused.</summary>
internal sealed class SecretScopeTokens : ITokenSource
{
    private readonly DatabricksWorkspace _keeper;
    private readonly CredentialSecrets _secrets;
    private readonly TrackingApi _api;

    /// <param name="keeper">The workspace that has the secrets.</param>
    /// <param name="secrets">Which they are.</param>
    public SecretScopeTokens(DatabricksWorkspace keeper, CredentialSecrets secrets)
    {
        _keeper = keeper;
        _secrets = secrets;
        _api = new TrackingApi(keeper.Config.Host, keeper.TimeProvider, CredentialSource.OfEnvironment, keeper);
    }

    public string Origin => $"secrets '{_secrets.HostKey}' and '{_secrets.TokenKey}' of scope '{_secrets.Scope}' in {_keeper.Config.Host.Host}";

    public async Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
    {
        using var client = new DatabricksSecretsClient(() => _api);
        try
        {
            // An address is no secret: as one it would be taken out of every trace.
            var host = Encoding.UTF8.GetString(await client.FetchAsync(_secrets.Scope, _secrets.HostKey, cancellationToken).ConfigureAwait(false));
            var token = (await client.GetAsync(_secrets.Scope, _secrets.TokenKey, cancellationToken).ConfigureAwait(false)).Reveal().Trim();
            return new AccessToken("Bearer", token, Lifetime: null) { Host = DatabricksConfig.Normalize(new DatabricksValue(host, $"the secret '{_secrets.HostKey}'")) };
        }
        catch (MlflowException e)
        {
            var kind = e.InnerException is ExportFailureException { Kind: ExportFailureKind.Busy or ExportFailureKind.Unreachable } passing ? passing.Kind : ExportFailureKind.Held;
            throw Failure(kind, e.StatusCode is { } status ? DropReasons.Status((int)status) : DropReasons.ConnectionLost, e.Message);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw Failure(ExportFailureKind.Held, DropReasons.InvalidAnswer, e.Message.Split(" (Parameter")[0]);
        }
    }

    private ExportFailureException Failure(ExportFailureKind kind, string reason, string why) =>
        new(kind, reason, $"The tracking URI 'databricks://{_secrets.Scope}:{_secrets.Prefix}' needs {Origin}, which cannot be read: {why}");
}
