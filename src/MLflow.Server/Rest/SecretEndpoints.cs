using System.Text.Json;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Gateway;
using MLflow.Server.Secrets;

namespace MLflow.Server.Rest;

/// <summary><c>/api/3.0/mlflow/gateway/secrets/…</c>, as MLflow's server has them. No answer has a secret's value.</summary>
internal static class SecretEndpoints
{
    private const string Secrets = "3.0/mlflow/gateway/secrets/";

    public static void MapSecrets(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, Secrets + "create", AccessPolicies.Administrator, CreateAsync);
        routes.MapApi(HttpMethods.Get, Secrets + "get", AccessPolicies.Administrator, Get);
        routes.MapApi(HttpMethods.Post, Secrets + "update", AccessPolicies.Administrator, UpdateAsync);
        routes.MapApi(HttpMethods.Delete, Secrets + "delete", AccessPolicies.Administrator, DeleteAsync);
        routes.MapApi(HttpMethods.Get, Secrets + "list", AccessPolicies.Administrator, List);
        routes.MapApi(HttpMethods.Get, Secrets + "config", AccessPolicies.Administrator, Config);
    }

    private static async Task<IResult> CreateAsync(HttpRequest request, CurrentCaller caller, SecretVault vault, UpstreamRules rules, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var name = body.Required("secret_name");
        var provider = GatewayProvider.Require(body.String("provider") is { Length: > 0 } given ? given : SecretVault.DefaultProvider);
        var authConfig = Map(body, "auth_config") ?? [];
        rules.RequireAddress(provider, authConfig);
        var values = Map(body, "secret_value") ?? throw RequestJson.Missing("secret_value");
        return Answer(await vault.CreateAsync(await caller.ActorAsync().ConfigureAwait(false), name, provider.Name, values, authConfig, cancellationToken).ConfigureAwait(false));
    }

    private static JsonAnswer Get(HttpRequest request, SecretVault vault)
    {
        var query = RequestJson.FromQuery(request);
        return (query.String("secret_id"), query.String("secret_name")) switch
        {
            ({ Length: > 0 } id, null or "") => Answer(vault.FindById(id) ?? throw SecretVault.NotFound("secret_id", id)),
            (null or "", { Length: > 0 } name) => Answer(vault.FindByName(name) ?? throw SecretVault.NotFound("secret_name", name)),
            _ => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Exactly one of secret_id or secret_name must be provided"),
        };
    }

    private static async Task<IResult> UpdateAsync(HttpRequest request, CurrentCaller caller, SecretVault vault, UpstreamRules rules, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var id = body.Required("secret_id");
        var authConfig = Map(body, "auth_config") is { Count: > 0 } given ? given : null;
        if (authConfig is not null)
        {
            rules.RequireAddress(GatewayProvider.Require((vault.FindById(id) ?? throw SecretVault.NotFound("secret_id", id)).Provider), authConfig);
        }

        return Answer(await vault.UpdateAsync(await caller.ActorAsync().ConfigureAwait(false), id, Map(body, "secret_value") ?? [], authConfig, cancellationToken).ConfigureAwait(false));
    }

    private static async Task<IResult> DeleteAsync(HttpRequest request, CurrentCaller caller, SecretVault vault, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await vault.DeleteAsync(await caller.ActorAsync().ConfigureAwait(false), body.Required("secret_id"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static JsonAnswer List(HttpRequest request, SecretVault vault)
    {
        var provider = RequestJson.FromQuery(request).String("provider");
        var secrets = vault.List().Where(secret => string.IsNullOrEmpty(provider) || secret.Provider == provider).ToList();
        return new JsonAnswer(writer => writer.WriteList("secrets", secrets, Write));
    }

    private static JsonAnswer Config(SecretVault vault) => new(writer =>
    {
        writer.WriteBoolean("secrets_available", vault.Keys.IsUsable);
        writer.WriteBoolean("using_default_passphrase", vault.Keys.IsForDevelopment);
    });

    /// <summary>An object of texts. Unlike others, its values are in no error.</summary>
    private static Dictionary<string, string>? Map(RequestJson body, string name)
    {
        if (body.Element(name) is not { ValueKind: not JsonValueKind.Null } element)
        {
            return null;
        }

        return element.ValueKind == JsonValueKind.Object && element.EnumerateObject().All(property => property.Value.ValueKind == JsonValueKind.String)
            ? element.EnumerateObject().GroupBy(property => property.Name).ToDictionary(group => group.Key, group => group.Last().Value.GetString()!)
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value for parameter '{name}' supplied: it must be an object of texts, as {{\"api_key\": \"…\"}}.");
    }

    private static JsonAnswer Answer(StoredSecret secret) => new(writer =>
    {
        writer.WritePropertyName("secret");
        Write(writer, secret);
    });

    private static void Write(Utf8JsonWriter writer, StoredSecret secret)
    {
        writer.WriteStartObject();
        writer.WriteString("secret_id", secret.Id);
        writer.WriteString("secret_name", secret.Name);
        writer.WriteMap("masked_values", secret.Masked);
        writer.WriteNumber("created_at", secret.CreatedMs);
        writer.WriteNumber("last_updated_at", secret.UpdatedMs);
        writer.WriteString("provider", secret.Provider);
        writer.WriteText("created_by", secret.CreatedBy);
        writer.WriteText("last_updated_by", secret.UpdatedBy);
        writer.WriteMap("auth_config", secret.AuthConfig);
        writer.WriteEndObject();
    }
}
