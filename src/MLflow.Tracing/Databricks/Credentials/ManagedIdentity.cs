using System.Globalization;

namespace MLflow;

/// <summary>
/// The identity that a machine of Azure has of itself. Source: Azure's instance metadata service, <c>/metadata/identity/oauth2/token</c>, version 2018-02-01.
/// </summary>
internal sealed class ManagedIdentity(DatabricksConfig config) : IAzureLogin
{
    private const string Version = "2018-02-01";

    /// <summary>On a machine of Azure it answers at once; elsewhere nobody is there to refuse a connection.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    public string Origin => config.Origins(DatabricksAttribute.AzureUseMsi, DatabricksAttribute.AzureClientId);

    public async Task<AccessToken> FetchAsync(string resource, CancellationToken cancellationToken)
    {
        // No proxy and no redirect: what answers elsewhere is not this machine's.
        using var client = TrackingTransport.CreateClient(new SocketsHttpHandler
        {
            ActivityHeadersPropagator = null,
            AllowAutoRedirect = false,
            ConnectTimeout = ConnectTimeout,
            UseCookies = false,
            UseProxy = false,
        });
        var identity = config[DatabricksAttribute.AzureClientId] is { } id ? "&client_id=" + Uri.EscapeDataString(id) : "";
        var address = new Uri(config.Surroundings.InstanceMetadata, $"/metadata/identity/oauth2/token?api-version={Version}&resource={Uri.EscapeDataString(resource)}{identity}");
        try
        {
            var answer = await new TokenHttp(client, config, Timeout).GetAsync(address, cancellationToken, ("Metadata", "true")).ConfigureAwait(false);
            return TokenHttp.Read(answer, "Azure's metadata service");
        }
        catch (ExportFailureException e) when (e.Kind == ExportFailureKind.Unreachable)
        {
            throw new ExportFailureException(
                ExportFailureKind.Held,
                e.Reason,
                $"No metadata service of Azure answers at {address.Host}, which gives a machine of Azure tokens of its identity ({Origin}): is this such a machine? Elsewhere use a service principal, or sign in with az.");
        }
        catch (ExportFailureException e) when (e.Kind == ExportFailureKind.Held)
        {
            throw new ExportFailureException(
                ExportFailureKind.Held,
                e.Reason,
                string.Create(CultureInfo.InvariantCulture, $"Azure's metadata service gives no token ({Origin}): {e.Message.TrimEnd('.')}. Does the machine have that identity?"))
            {
                Status = e.Status,
            };
        }
    }
}
