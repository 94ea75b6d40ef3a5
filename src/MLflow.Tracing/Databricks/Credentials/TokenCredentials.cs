using System.Net.Http.Headers;

namespace MLflow;

/// <summary>Credentials that are fetched, and fetched again before they end or when they are refused.</summary>
internal sealed class TokenCredentials(string method, TokenCache cache) : IDatabricksCredentials
{
    public string Method => method;

    public string Origin => cache.Origin;

    public async ValueTask AddAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var token = await cache.GetAsync(cancellationToken).ConfigureAwait(false);
        request.Headers.Authorization = new AuthenticationHeaderValue(token.Scheme, token.Value);
        if (token.Host is { } host)
        {
            request.RequestUri = new Uri(host, request.RequestUri!.PathAndQuery);
        }

        foreach (var (name, value) in token.MoreHeaders)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    public bool Refused(HttpRequestMessage request)
    {
        if (request.Headers.Authorization?.Parameter is { } value)
        {
            cache.Forget(value);
        }

        return true;
    }

    public override string ToString() => method;
}
