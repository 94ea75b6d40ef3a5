using System.Globalization;

namespace MLflow;

/// <summary>Tokens of a service beside the program, as development tools run one.</summary>
internal sealed class MetadataServiceTokens(TokenHttp http, TimeProvider timeProvider) : ITokenSource
{
    public string Origin => http.Config.Origins(DatabricksAttribute.MetadataServiceUrl);

    public async Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
    {
        if (!WebAddress.TryParse(http.Config[DatabricksAttribute.MetadataServiceUrl], out var address))
        {
            throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"The address of the metadata service is none ({Origin}).");
        }

        try
        {
            var host = http.Config.Host.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
            var answer = await http.GetAsync(address, cancellationToken, ("X-Databricks-Metadata-Version", "1"), ("X-Databricks-Host", host)).ConfigureAwait(false);
            TimeSpan? lifetime = long.TryParse(ApiJson.Text(answer, "expires_on"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var end)
                ? ExpiringTokens.Lifetime(DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(end, 0, 253_402_300_799)), timeProvider)
                : null;
            return TokenHttp.Read(answer, "The metadata service", lifetime);
        }
        catch (ExportFailureException e) when (e.Kind != ExportFailureKind.Busy)
        {
            throw new ExportFailureException(ExportFailureKind.Held, e.Reason, $"The Databricks metadata service gives no token: {e.Message} ({Origin}). Is what runs it still there?");
        }
    }
}
