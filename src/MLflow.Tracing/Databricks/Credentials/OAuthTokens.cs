namespace MLflow;

/// <summary>Tokens of the workspace itself: for a service principal with a secret (machine to machine), or in exchange for an identity token of another issuer.</summary>
internal sealed class OAuthTokens : ITokenSource
{
    private const string Scope = "all-apis";

    private readonly TokenHttp _http;
    private readonly WorkspaceMetadata _metadata;
    private readonly Func<string>? _identity;

    /// <param name="http">Sends requests.</param>
    /// <param name="metadata">Knows where the token endpoint is.</param>
    /// <param name="origin">For messages.</param>
    /// <param name="identity">Reads the identity token. Null: id and secret are shown.</param>
    public OAuthTokens(TokenHttp http, WorkspaceMetadata metadata, string origin, Func<string>? identity = null)
    {
        _http = http;
        _metadata = metadata;
        _identity = identity;
        Origin = origin;
    }

    public string Origin { get; }

    public async Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
    {
        var config = _http.Config;
        var endpoint = await _metadata.TokenEndpointAsync(cancellationToken).ConfigureAwait(false);
        if (_identity is null)
        {
            List<KeyValuePair<string, string>> form = [new("grant_type", "client_credentials"), new("scope", Scope)];
            var pair = (config[DatabricksAttribute.ClientId]!, config[DatabricksAttribute.ClientSecret]!);
            return TokenHttp.Read(await _http.PostAsync(endpoint, form, pair, cancellationToken).ConfigureAwait(false), endpoint.ToString());
        }

        List<KeyValuePair<string, string>> exchange =
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            new("subject_token", _identity()),
            new("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            new("scope", Scope),
        ];
        if (config[DatabricksAttribute.ClientId] is { } clientId)
        {
            exchange.Add(new("client_id", clientId));
        }

        return TokenHttp.Read(await _http.PostAsync(endpoint, exchange, null, cancellationToken).ConfigureAwait(false), endpoint.ToString());
    }
}
