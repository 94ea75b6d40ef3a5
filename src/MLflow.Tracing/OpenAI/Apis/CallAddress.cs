using System.Collections.Concurrent;

namespace MLflow;

/// <summary>What an address tells of the calls that go there. Programs use few addresses, and make each of them anew for every call.</summary>
/// <param name="Text">The address as it may be recorded.</param>
/// <param name="Provider">See <see cref="ApiProvider.Of"/>.</param>
/// <param name="Model">See <see cref="ApiProvider.ModelOf"/>.</param>
internal sealed record CallAddress(string Text, string? Provider, string? Model)
{
    /// <summary>Addresses that are remembered. When there are more, all are looked at again.</summary>
    private const int MaxKept = 64;

    private static readonly ConcurrentDictionary<string, CallAddress> Kept = new(StringComparer.Ordinal);

    public string? Endpoint { get; init; }

    /// <summary>The model that the request names is the endpoint.</summary>
    public bool IsEndpoint { get; init; }

    /// <param name="uri">An absolute address.</param>
    public static CallAddress Of(Uri uri)
    {
        var text = uri.OriginalString;
        if (Kept.TryGetValue(text, out var known))
        {
            return known;
        }

        var address = new CallAddress(UrlText.WithoutSecrets(uri), ApiProvider.Of(uri), ApiProvider.ModelOf(uri))
        {
            Endpoint = ApiProvider.EndpointOf(uri),
            IsEndpoint = ApiProvider.IsEndpoint(uri),
        };

        // One that may hold a secret is not kept.
        if (UrlText.IsPlain(uri))
        {
            if (Kept.Count >= MaxKept)
            {
                Kept.Clear();
            }

            Kept[text] = address;
        }

        return address;
    }

    /// <summary>The endpoint that a call went through: of Databricks' model serving or AI Gateway, or of MLflow's gateway. Null where it went to a model directly.</summary>
    /// <param name="requestModel">The model that the request names: in an address of OpenAI's form it is the endpoint.</param>
    public string? EndpointOf(string? requestModel) => Endpoint ?? (IsEndpoint ? requestModel : null);
}
