using System.Text.Json;

namespace MLflow;

/// <summary>What a workspace says of itself to anybody: where its tokens are issued. Asked once; a workspace that says nothing has the usual addresses.</summary>
internal sealed class WorkspaceMetadata(TokenHttp http)
{
    private Uri? _tokenEndpoint;

    /// <exception cref="ExportFailureException">It cannot be found out now.</exception>
    public async Task<Uri> TokenEndpointAsync(CancellationToken cancellationToken)
    {
        if (_tokenEndpoint is { } known)
        {
            return known;
        }

        var discovery = await DiscoveryAsync(cancellationToken).ConfigureAwait(false);
        var answer = await http.GetAsync(discovery, cancellationToken).ConfigureAwait(false);
        var text = ApiJson.Text(answer, "token_endpoint");

        // The secret is sent there.
        if (!WebAddress.TryParseSafe(text, out var endpoint))
        {
            throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"{discovery} names no token endpoint that is reached by https.");
        }

        return _tokenEndpoint = endpoint;
    }

    private async Task<Uri> DiscoveryAsync(CancellationToken cancellationToken)
    {
        var host = http.Config.Host;
        if (http.Config[DatabricksAttribute.DiscoveryUrl] is { } told && WebAddress.TryParse(told, out var url))
        {
            return url;
        }

        try
        {
            var config = await http.GetAsync(new Uri(host, "/.well-known/databricks-config"), cancellationToken).ConfigureAwait(false);
            if (WebAddress.TryParse(ApiJson.Text(config, "oidc_endpoint")?.TrimEnd('/') + "/.well-known/oauth-authorization-server", out var named))
            {
                return named;
            }
        }
        catch (Exception e) when (e is ExportFailureException { Kind: not ExportFailureKind.Unreachable } or JsonException)
        {
            // Workspaces need not have it.
        }

        return new Uri(host, "/oidc/.well-known/oauth-authorization-server");
    }
}
