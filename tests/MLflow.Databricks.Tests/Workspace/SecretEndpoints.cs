using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>
/// The secrets API, fact sheet §2.1: paths, members, limits, what each permission allows and the codes of errors. The sheet tells no statuses of them: they are those that §1.6
/// gives to their kind, and 400 for the rest. Texts are ours.
/// </summary>
internal sealed partial class SecretEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    public const string Path = "/api/2.0/secrets";

    /// <summary>Fact sheet §2.1: 128 KB.</summary>
    public const int MaxValueBytes = 128 << 10;

    /// <summary>Fact sheet §2.1.</summary>
    public const int MaxSecrets = 1000;

    private static readonly string[] Permissions = ["READ", "WRITE", "MANAGE"];

    public void Map(IEndpointRouteBuilder routes)
    {
        // Fact sheet §2.1, row by row.
        routes.MapPost(Path + "/scopes/create", CreateScopeAsync);
        routes.MapPost(Path + "/scopes/delete", DeleteScopeAsync);
        routes.MapGet(Path + "/scopes/list", ListScopesAsync);
        routes.MapPost(Path + "/put", PutAsync);
        routes.MapGet(Path + "/get", GetAsync);
        routes.MapGet(Path + "/list", ListAsync);
        routes.MapPost(Path + "/delete", DeleteAsync);
        routes.MapPost(Path + "/acls/put", PutAclAsync);
        routes.MapGet(Path + "/acls/get", GetAclAsync);
        routes.MapGet(Path + "/acls/list", ListAclsAsync);
        routes.MapPost(Path + "/acls/delete", DeleteAclAsync);
    }

    /// <summary>Fact sheet §2.1, limits: letters, digits, - _ . and, in newer documentation, @; at most 128 characters.</summary>
    [GeneratedRegex("^[A-Za-z0-9._@-]{1,128}$")]
    private static partial Regex NameRule { get; }

    private async Task CreateScopeAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "scope", "initial_manage_principal", "scope_backend_type", "backend_azure_keyvault");
        var name = ApiRequest.Text(body, "scope") ?? "";
        var everybody = ApiRequest.Text(body, "initial_manage_principal");
        var backend = ApiRequest.Text(body, "scope_backend_type");
        var vault = body["backend_azure_keyvault"] as JsonObject;
        if (vault is not null)
        {
            ApiRequest.Only(vault, "resource_id", "tenant_id", "dns_name");
        }

        if (!NameRule.IsMatch(name) || everybody is not (null or "users") || backend is not (null or "DATABRICKS" or "AZURE_KEYVAULT") || (backend == "AZURE_KEYVAULT") != (vault is not null))
        {
            await ApiAnswers.InvalidAsync(context, $"The scope '{name}' cannot be created so.");
            return;
        }

        if (workspace.Secrets.All.Count >= workspace.Secrets.MaxScopes)
        {
            await ApiAnswers.RefuseAsync(context, 400, "RESOURCE_LIMIT_EXCEEDED", "The workspace has too many scopes.");
            return;
        }

        var scope = new StoredScope(name) { VaultId = ApiRequest.Text(vault, "resource_id"), VaultDnsName = ApiRequest.Text(vault, "dns_name") };
        scope.Acls[everybody ?? Caller(context)] = "MANAGE";
        if (!workspace.Secrets.TryAdd(scope))
        {
            await ApiAnswers.RefuseAsync(context, 400, "RESOURCE_ALREADY_EXISTS", $"Scope {name} already exists!");
            return;
        }

        await ApiAnswers.OkAsync(context, new { });
    }

    private async Task DeleteScopeAsync(HttpContext context)
    {
        if (await ScopeAsync(context, ApiRequest.Text(ApiRequest.Json(context, "scope"), "scope"), "MANAGE") is { } scope)
        {
            workspace.Secrets.Remove(scope.Name);
            await ApiAnswers.OkAsync(context, new { });
        }
    }

    private async Task ListScopesAsync(HttpContext context)
    {
        ApiRequest.Query(context);
        var scopes = workspace.Secrets.All.Where(scope => scope.Allows(Caller(context), "READ")).OrderBy(scope => scope.Name, StringComparer.Ordinal).Select(scope =>
        {
            var json = new JsonObject { ["name"] = scope.Name, ["backend_type"] = scope.VaultId is null ? "DATABRICKS" : "AZURE_KEYVAULT" };
            if (scope.VaultId is not null)
            {
                json["keyvault_metadata"] = new JsonObject { ["resource_id"] = scope.VaultId, ["dns_name"] = scope.VaultDnsName };
            }

            return json;
        });
        await ListAsync(context, "scopes", scopes);
    }

    private async Task PutAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "scope", "key", "string_value", "bytes_value");
        if (await ScopeAsync(context, ApiRequest.Text(body, "scope"), "WRITE") is not { } scope)
        {
            return;
        }

        var key = ApiRequest.Text(body, "key") ?? "";
        var text = ApiRequest.Text(body, "string_value");
        var bytes = ApiRequest.Text(body, "bytes_value");
        byte[]? value;
        try
        {
            value = (text, bytes) switch
            {
                (not null, null) => Encoding.UTF8.GetBytes(text),
                (null, not null) => Convert.FromBase64String(bytes),
                _ => null,
            };
        }
        catch (FormatException)
        {
            value = null;
        }

        if (value is null)
        {
            await ApiAnswers.RefuseAsync(context, 400, "MALFORMED_REQUEST", "Exactly one of string_value and bytes_value is needed.");
        }
        else if (!NameRule.IsMatch(key) || value.Length > MaxValueBytes)
        {
            await ApiAnswers.InvalidAsync(context, $"The secret '{key}' cannot be stored so.");
        }
        else if (scope.VaultId is not null)
        {
            await ApiAnswers.RefuseAsync(context, 400, "BAD_REQUEST", "Secrets of a scope backed by Azure Key Vault are written in the vault.");
        }
        else if (scope.Secrets.Count >= MaxSecrets && !scope.Secrets.ContainsKey(key))
        {
            await ApiAnswers.RefuseAsync(context, 400, "RESOURCE_LIMIT_EXCEEDED", $"Scope {scope.Name} has too many secrets.");
        }
        else
        {
            scope.Secrets[key] = (value, workspace.Clock.GetUtcNow().ToUnixTimeMilliseconds());
            await ApiAnswers.OkAsync(context, new { });
        }
    }

    private async Task GetAsync(HttpContext context)
    {
        ApiRequest.Query(context, "scope", "key");
        if (await ScopeAsync(context, context.Request.Query["scope"], "READ") is not { } scope)
        {
            return;
        }

        var key = context.Request.Query["key"].ToString();
        if (workspace.Secrets.IsForNotebooksOnly)
        {
            // Fact sheet §2.1: "normal user calls get secret outside of a notebook".
            await ApiAnswers.RefuseAsync(context, 400, "BAD_REQUEST", "Normal users cannot get secrets outside of a notebook.");
        }
        else if (scope.Secrets.TryGetValue(key, out var secret))
        {
            await ApiAnswers.OkAsync(context, new { key, value = Convert.ToBase64String(secret.Value) });
        }
        else
        {
            await ApiAnswers.MissingAsync(context, $"Secret does not exist with scope: {scope.Name} and key: {key}");
        }
    }

    private async Task ListAsync(HttpContext context)
    {
        ApiRequest.Query(context, "scope");
        if (await ScopeAsync(context, context.Request.Query["scope"], "READ") is { } scope)
        {
            await ListAsync(context, "secrets", scope.Secrets.OrderBy(secret => secret.Key, StringComparer.Ordinal).Select(secret =>
                new JsonObject { ["key"] = secret.Key, ["last_updated_timestamp"] = secret.Value.Updated }));
        }
    }

    private async Task DeleteAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "scope", "key");
        if (await ScopeAsync(context, ApiRequest.Text(body, "scope"), "WRITE") is not { } scope)
        {
            return;
        }

        await (scope.Secrets.TryRemove(ApiRequest.Text(body, "key") ?? "", out _)
            ? ApiAnswers.OkAsync(context, new { })
            : ApiAnswers.MissingAsync(context, $"Secret does not exist with scope: {scope.Name} and key: {ApiRequest.Text(body, "key")}"));
    }

    private async Task PutAclAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "scope", "principal", "permission");
        if (await ScopeAsync(context, ApiRequest.Text(body, "scope"), "MANAGE") is not { } scope)
        {
            return;
        }

        if (ApiRequest.Text(body, "principal") is not { Length: > 0 } principal || ApiRequest.Text(body, "permission") is not { } permission || !Permissions.Contains(permission))
        {
            await ApiAnswers.InvalidAsync(context, "A principal and READ, WRITE or MANAGE are needed.");
            return;
        }

        scope.Acls[principal] = permission;
        await ApiAnswers.OkAsync(context, new { });
    }

    private async Task GetAclAsync(HttpContext context)
    {
        ApiRequest.Query(context, "scope", "principal");
        if (await ScopeAsync(context, context.Request.Query["scope"], "MANAGE") is not { } scope)
        {
            return;
        }

        var principal = context.Request.Query["principal"].ToString();
        await (scope.Acls.TryGetValue(principal, out var permission)
            ? ApiAnswers.OkAsync(context, new { principal, permission })
            : ApiAnswers.MissingAsync(context, $"No ACL of {principal} for scope {scope.Name}"));
    }

    private async Task ListAclsAsync(HttpContext context)
    {
        ApiRequest.Query(context, "scope");
        if (await ScopeAsync(context, context.Request.Query["scope"], "MANAGE") is { } scope)
        {
            await ListAsync(context, "items", scope.Acls.OrderBy(acl => acl.Key, StringComparer.Ordinal).Select(acl =>
                new JsonObject { ["principal"] = acl.Key, ["permission"] = acl.Value }));
        }
    }

    private async Task DeleteAclAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "scope", "principal");
        if (await ScopeAsync(context, ApiRequest.Text(body, "scope"), "MANAGE") is { } scope)
        {
            await (scope.Acls.TryRemove(ApiRequest.Text(body, "principal") ?? "", out _)
                ? ApiAnswers.OkAsync(context, new { })
                : ApiAnswers.MissingAsync(context, $"No ACL of {ApiRequest.Text(body, "principal")} for scope {scope.Name}"));
        }
    }

    /// <summary>Fact sheet §2.1: an empty list comes back as no list.</summary>
    private static Task ListAsync(HttpContext context, string name, IEnumerable<JsonObject> items)
    {
        var list = new JsonArray([.. items]);
        return ApiAnswers.OkAsync(context, list.Count == 0 ? [] : new JsonObject { [name] = list });
    }

    private string Caller(HttpContext context) => workspace.Tokens.PrincipalOf(context.Request.Headers.Authorization);

    /// <returns>Null where the request was refused and answered.</returns>
    private async Task<StoredScope?> ScopeAsync(HttpContext context, string? name, string permission)
    {
        if (workspace.Secrets.Find(name) is not { } scope)
        {
            await ApiAnswers.MissingAsync(context, $"Scope {name} does not exist!");
            return null;
        }

        if (scope.Allows(Caller(context), permission))
        {
            return scope;
        }

        await ApiAnswers.RefuseAsync(context, 403, "PERMISSION_DENIED", $"User {Caller(context)} does not have {permission} permission on scope {scope.Name}");
        return null;
    }
}
