using System.Globalization;
using System.Text.Json;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Storage;

namespace MLflow.Server.Rest;

/// <summary><c>/api/2.0/mlflow/users/…</c> and <c>…/experiments/permissions/…</c>, as MLflow's server with basic-auth has them.</summary>
internal static class UserEndpoints
{
    private const string Users = "2.0/mlflow/users/";
    private const string Permissions = "2.0/mlflow/experiments/permissions/";

    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, Users + "create", AccessPolicies.Administrator, CreateAsync);
        routes.MapApi(HttpMethods.Get, Users + "get", AccessPolicies.Full, GetAsync);
        routes.MapApi(HttpMethods.Get, Users + "list", AccessPolicies.Administrator, List);
        routes.MapApi(HttpMethods.Get, Users + "current", AccessPolicies.Any, GetCurrentAsync);
        routes.MapApi(HttpMethods.Patch, Users + "update-password", AccessPolicies.Full, ChangePasswordAsync);
        routes.MapApi(HttpMethods.Patch, Users + "update-admin", AccessPolicies.Administrator, ChangeAdminAsync);
        routes.MapApi(HttpMethods.Delete, Users + "delete", AccessPolicies.Administrator, DeleteAsync);
        routes.MapApi(HttpMethods.Post, Permissions + "create", AccessPolicies.Full, CreatePermissionAsync);
        routes.MapApi(HttpMethods.Get, Permissions + "get", AccessPolicies.Full, GetPermissionAsync);
        routes.MapApi(HttpMethods.Patch, Permissions + "update", AccessPolicies.Full, ChangePermissionAsync);
        routes.MapApi(HttpMethods.Delete, Permissions + "delete", AccessPolicies.Full, DeletePermissionAsync);
    }

    private static async Task<IResult> CreateAsync(HttpRequest request, CurrentCaller caller, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var permission = body.String("default_permission") is { Length: > 0 } text ? PermissionNames.Parse(text) : Permission.Read;

        // Without an administrator nobody could make a second one.
        var isFirst = !store.HasUsers();
        var user = await administration.CreateUserAsync(
            await caller.ActorAsync().ConfigureAwait(false), body.Required("username"), body.Required("password"), isFirst, permission, isFirst, cancellationToken).ConfigureAwait(false);
        return Answer(user);
    }

    private static async Task<IResult> GetAsync(HttpRequest request, CurrentCaller caller, IAccessStore store)
    {
        var name = RequestJson.FromQuery(request).Required("username");
        await RequireSelfOrAdministratorAsync(caller, name).ConfigureAwait(false);
        return Answer(Require(store, name));
    }

    private static JsonAnswer List(IAccessStore store)
    {
        var users = store.ListUsers();
        return new JsonAnswer(writer => writer.WriteList("users", users, Write));
    }

    private static async Task<IResult> GetCurrentAsync(CurrentCaller caller) => Answer((await caller.GetAsync().ConfigureAwait(false)).User
        ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, "Nobody has to sign in to this server, so there is no current user."));

    private static async Task<IResult> ChangePasswordAsync(HttpRequest request, CurrentCaller caller, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var name = body.Required("username");
        await RequireSelfOrAdministratorAsync(caller, name).ConfigureAwait(false);
        await administration.ChangePasswordAsync(await caller.ActorAsync().ConfigureAwait(false), name, body.Required("password"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> ChangeAdminAsync(HttpRequest request, CurrentCaller caller, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var isAdmin = body.Boolean("is_admin") ?? throw RequestJson.Missing("is_admin");
        await administration.ChangeAdminAsync(await caller.ActorAsync().ConfigureAwait(false), body.Required("username"), isAdmin, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> DeleteAsync(HttpRequest request, CurrentCaller caller, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var name = body.Required("username");
        if (store.ListUsers() is [{ } last] && last.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        {
            throw new MlflowException(ErrorCode.INVALID_STATE, $"User '{name}' is the last one, and nobody could sign in any more; 'dotnet mlflow users delete' deletes it.");
        }

        await administration.DeleteUserAsync(await caller.ActorAsync().ConfigureAwait(false), name, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> CreatePermissionAsync(HttpRequest request, CurrentCaller caller, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var (user, experimentId) = await TargetAsync(body, caller, store).ConfigureAwait(false);
        var permission = PermissionNames.Parse(body.Required("permission"));
        if (user.Permissions.ContainsKey(experimentId))
        {
            throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, $"Experiment permission (experiment_id={experimentId}, username={user.Name}) already exists.");
        }

        await administration.ChangePermissionAsync(await caller.ActorAsync().ConfigureAwait(false), user, experimentId, permission, cancellationToken).ConfigureAwait(false);
        return Answer(user, experimentId, permission);
    }

    private static async Task<IResult> GetPermissionAsync(HttpRequest request, CurrentCaller caller, IAccessStore store)
    {
        var (user, experimentId) = await TargetAsync(RequestJson.FromQuery(request), caller, store).ConfigureAwait(false);
        return Answer(user, experimentId, Require(user, experimentId));
    }

    private static async Task<IResult> ChangePermissionAsync(HttpRequest request, CurrentCaller caller, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var (user, experimentId) = await TargetAsync(body, caller, store).ConfigureAwait(false);
        var permission = PermissionNames.Parse(body.Required("permission"));
        Require(user, experimentId);
        await administration.ChangePermissionAsync(await caller.ActorAsync().ConfigureAwait(false), user, experimentId, permission, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> DeletePermissionAsync(HttpRequest request, CurrentCaller caller, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var (user, experimentId) = await TargetAsync(body, caller, store).ConfigureAwait(false);
        Require(user, experimentId);
        await administration.ChangePermissionAsync(await caller.ActorAsync().ConfigureAwait(false), user, experimentId, null, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    // The permission first: who manages nothing learns nothing of users.
    private static async Task<(User User, long ExperimentId)> TargetAsync(RequestJson parameters, CurrentCaller caller, IAccessStore store)
    {
        var experimentId = ExperimentEndpoints.ParseId(parameters.Required("experiment_id"));
        await caller.RequireAsync(ExperimentRights.Manage, experimentId).ConfigureAwait(false);
        return (Require(store, parameters.Required("username")), experimentId);
    }

    private static async Task RequireSelfOrAdministratorAsync(CurrentCaller current, string name)
    {
        var caller = await current.GetAsync().ConfigureAwait(false);
        if (!caller.IsAdministrator && caller.User?.Name.Equals(name, StringComparison.OrdinalIgnoreCase) != true)
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, "Permission denied: only administrators may do this for others.");
        }
    }

    private static User Require(IAccessStore store, string name) =>
        store.FindUser(name) ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"User with username={name} not found");

    private static Permission Require(User user, long experimentId) => user.Permissions.TryGetValue(experimentId, out var permission) ? permission
        : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Experiment permission with experiment_id={experimentId} and username={user.Name} not found");

    private static JsonAnswer Answer(User user) => new(writer =>
    {
        writer.WritePropertyName("user");
        Write(writer, user);
    });

    private static JsonAnswer Answer(User user, long experimentId, Permission permission) => new(writer =>
    {
        writer.WritePropertyName("experiment_permission");
        Write(writer, user, experimentId, permission);
    });

    private static void Write(Utf8JsonWriter writer, User user)
    {
        writer.WriteStartObject();
        writer.WriteNumber("id", user.UserId);
        writer.WriteString("username", user.Name);
        writer.WriteBoolean("is_admin", user.IsAdmin);
        writer.WriteString("default_permission", user.DefaultPermission.Wire());
        writer.WriteStartArray("experiment_permissions");
        foreach (var (experimentId, permission) in user.Permissions)
        {
            Write(writer, user, experimentId, permission);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("registered_model_permissions");
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, User user, long experimentId, Permission permission)
    {
        writer.WriteStartObject();
        writer.WriteString("experiment_id", experimentId.ToString(CultureInfo.InvariantCulture));
        writer.WriteNumber("user_id", user.UserId);
        writer.WriteString("permission", permission.Wire());
        writer.WriteEndObject();
    }
}
