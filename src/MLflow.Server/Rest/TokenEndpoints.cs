using System.Globalization;
using System.Text.Json;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Storage;

namespace MLflow.Server.Rest;

/// <summary><c>/api/2.0/mlflow/users/tokens/…</c>: ours. Everybody has their own; administrators those of others, by <c>username</c>.</summary>
internal static class TokenEndpoints
{
    private const string Tokens = "2.0/mlflow/users/tokens/";

    public static void MapTokens(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, Tokens + "create", AccessPolicies.Full, CreateAsync);
        routes.MapApi(HttpMethods.Get, Tokens + "list", AccessPolicies.Full, ListAsync);
        routes.MapApi(HttpMethods.Delete, Tokens + "revoke", AccessPolicies.Full, RevokeAsync);
    }

    private static async Task<IResult> CreateAsync(
        HttpRequest request, CurrentCaller caller, IAccessStore store, IExperimentStore experiments, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var user = await OwnerAsync(body, caller, store).ConfigureAwait(false);
        var scope = ReadScope(body.Required("scope"));
        var ids = body.Strings("experiment_ids").Select(ExperimentEndpoints.ParseId).Distinct().ToList();
        foreach (var id in ids)
        {
            _ = await experiments.GetAsync(id, cancellationToken).ConfigureAwait(false)
                ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No Experiment with id={id} exists");
        }

        // A token that is for some experiments only may not make one for all.
        if ((await caller.GetAsync().ConfigureAwait(false)) is { HasAllExperiments: false } limited && (ids.Count == 0 || !ids.TrueForAll(id => limited.May(ExperimentRights.Read, id))))
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, "Permission denied: a token for some experiments can only make tokens for those; name them in 'experiment_ids'.");
        }

        var life = body.Double("expires_in_days") is { } days ? TimeSpan.FromDays(Math.Clamp(days, -1e6, 1e6)) : (TimeSpan?)null;
        var (token, secret) = await administration.CreateTokenAsync(
            await caller.ActorAsync().ConfigureAwait(false), user, body.Required("name"), scope, ids.Count > 0 ? ids : null, life, cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteString("token_value", secret.Text);
            writer.WritePropertyName("token");
            Write(writer, token);
        });
    }

    private static async Task<IResult> ListAsync(HttpRequest request, CurrentCaller caller, IAccessStore store)
    {
        var tokens = store.ListTokens((await OwnerAsync(RequestJson.FromQuery(request), caller, store).ConfigureAwait(false)).UserId);
        return new JsonAnswer(writer => writer.WriteList("tokens", tokens, Write));
    }

    private static async Task<IResult> RevokeAsync(HttpRequest request, CurrentCaller current, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var id = body.Required("token_id");
        var caller = await current.GetAsync().ConfigureAwait(false);

        // Another's token is answered as one that is not there.
        var isTheirs = store.FindToken(id) is { } token && (caller.IsAdministrator || token.UserId == caller.User?.UserId);
        return isTheirs && await administration.RevokeTokenAsync(await current.ActorAsync().ConfigureAwait(false), id, cancellationToken).ConfigureAwait(false)
            ? JsonAnswer.Empty
            : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"There is no valid token '{id}'.");
    }

    private static async Task<User> OwnerAsync(RequestJson parameters, CurrentCaller current, IAccessStore store)
    {
        var caller = await current.GetAsync().ConfigureAwait(false);
        var name = parameters.String("username");
        return string.IsNullOrEmpty(name) || caller.User?.Name.Equals(name, StringComparison.OrdinalIgnoreCase) == true
            ? caller.User ?? throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Nobody has to sign in to this server; say whose tokens are meant by 'username'.")
            : caller.IsAdministrator
                ? store.FindUser(name) ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"User with username={name} not found")
                : throw new MlflowException(ErrorCode.PERMISSION_DENIED, "Permission denied: only administrators have the tokens of others.");
    }

    private static TokenScope ReadScope(string text) =>
        Enum.TryParse<TokenScope>(text, ignoreCase: true, out var scope) && Enum.IsDefined(scope) && !char.IsAsciiDigit(text[0]) ? scope
        : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid scope '{text}': it must be ingest, read, write or admin.");

    private static void Write(Utf8JsonWriter writer, ApiToken token)
    {
        writer.WriteStartObject();
        writer.WriteString("token_id", token.TokenId);
        writer.WriteString("name", token.Name);
        writer.WriteString("scope", token.Scope.ToString().ToLowerInvariant());
        if (token.Experiments is { } experiments)
        {
            writer.WriteStartArray("experiment_ids");
            foreach (var id in experiments)
            {
                writer.WriteStringValue(id.ToString(CultureInfo.InvariantCulture));
            }

            writer.WriteEndArray();
        }

        writer.WriteNumber("creation_time", token.CreatedMs);
        WriteTime(writer, "expiry_time", token.ExpiresMs);
        WriteTime(writer, "last_used_time", token.LastUsedMs);
        WriteTime(writer, "revocation_time", token.RevokedMs);
        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, string name, long? timeMs)
    {
        if (timeMs is { } ms)
        {
            writer.WriteNumber(name, ms);
        }
    }
}
