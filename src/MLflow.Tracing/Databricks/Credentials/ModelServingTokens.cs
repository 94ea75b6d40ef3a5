using System.Text.Json;

namespace MLflow;

/// <summary>The token that a serving container of Databricks finds in a file, which the platform renews.</summary>
internal sealed class ModelServingTokens(DatabricksSurroundings surroundings) : ITokenSource
{
    /// <summary>How long what was read is used.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    public string Origin => surroundings.ModelServingTokenFile;

    public async Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
    {
        try
        {
            var json = JsonElement.Parse(await File.ReadAllBytesAsync(surroundings.ModelServingTokenFile, cancellationToken).ConfigureAwait(false));
            return ApiJson.Items(json, "OAUTH_TOKEN").Select(item => ApiJson.Text(item, "oauthTokenValue")).FirstOrDefault(value => !string.IsNullOrEmpty(value)) is { } token
                ? new AccessToken("Bearer", token, Lifetime)
                : throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"{Origin} holds no token.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"{Origin} cannot be read as a token: {(e is JsonException ? "it is no JSON" : e.Message)}");
        }
    }
}
