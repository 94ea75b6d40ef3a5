using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// The secrets of a Databricks workspace: keys for models, and whatever else does not belong into code. <see cref="DatabricksSecrets"/> is one for the process;
/// <see cref="MlflowClient.Secrets"/> is that of a client.
/// </summary>
/// <remarks>
/// Nothing is kept between calls. Reads are tried again after failures, writes where the workspace says that it did not take them. Each call needs a permission in the scope
/// (<see cref="DatabricksSecretAccess"/>). Source: Databricks' REST API 2.0, <c>/api/2.0/secrets</c>.
/// </remarks>
public sealed class DatabricksSecretsClient : IDisposable
{
    /// <summary>Bytes that a workspace takes as the value of a secret: 128 KiB.</summary>
    public const int MaxValueBytes = 128 << 10;

    private const string Path = "/api/2.0/secrets";
    private const string NotebookWord = "notebook";

    private readonly Func<TrackingApi> _api;
    private readonly DatabricksWorkspaces? _workspaces;

    /// <summary>Opens a workspace. Makes no request.</summary>
    /// <param name="options">Its address and credentials, as for tracking. Null, and what is null in it: from the environment and <c>~/.databrickscfg</c>.</param>
    /// <exception cref="ArgumentException">There is no workspace or no credentials: the message says where they were looked for.</exception>
    public DatabricksSecretsClient(DatabricksOptions? options = null)
    {
        var timeProvider = TimeProvider.System;
        var workspaces = new DatabricksWorkspaces(TrackingTransport.Read(Environment.GetEnvironmentVariable), timeProvider, options);
        var workspace = workspaces.Find(workspaces.Add(DatabricksUri.Scheme))!;
        var api = new TrackingApi(workspace.Config.Host, timeProvider, CredentialSource.OfEnvironment, workspace);
        _workspaces = workspaces;
        _api = () => api;
    }

    /// <param name="api">Finds the workspace at the time of a call.</param>
    internal DatabricksSecretsClient(Func<TrackingApi> api) => _api = api;

    /// <summary>Fetches a secret. Needs permission to read.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="key">Its name there.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">A name cannot be one, or there are no credentials.</exception>
    /// <exception cref="MlflowException">
    /// There is no such secret (<see cref="MlflowErrorCode.ResourceDoesNotExist"/>), the credentials do not allow it (<see cref="MlflowErrorCode.PermissionDenied"/>), or the
    /// workspace gives values to notebooks only, or cannot be reached.
    /// </exception>
    public async Task<DatabricksSecret> GetAsync(string scope, string key, CancellationToken cancellationToken = default)
    {
        byte[]? value = null;
        try
        {
            value = await FetchAsync(scope, key, cancellationToken).ConfigureAwait(false);
            return new DatabricksSecret(scope, key, KnownSecrets.Add(value));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(value);
        }
    }

    /// <summary>Fetches the bytes of a secret, without making them known.</summary>
    internal async Task<byte[]> FetchAsync(string scope, string key, CancellationToken cancellationToken)
    {
        Check(scope, key);
        byte[] answer;
        try
        {
            answer = await _api().GetAsync($"{Path}/get?scope={Uri.EscapeDataString(scope)}&key={Uri.EscapeDataString(key)}", cancellationToken).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.ErrorCode == MlflowErrorCode.BadRequest && e.ServerMessage?.Contains(NotebookWord, StringComparison.OrdinalIgnoreCase) == true)
        {
            throw new MlflowException(
                $"The workspace gives the values of secrets to notebooks and jobs alone, so '{key}' of scope '{scope}' cannot be fetched from here ({e.ServerMessage}). Let the platform set it as a variable: {{{{secrets/{scope}/{key}}}}} in the environment of the cluster, job or serving endpoint.",
                e)
            {
                ErrorCode = e.ErrorCode,
                StatusCode = e.StatusCode,
                ServerMessage = e.ServerMessage,
                RequestUrl = e.RequestUrl,
            };
        }

        try
        {
            return ApiJson.Read(answer, static json => ApiJson.Member(json, "value") is { ValueKind: JsonValueKind.String } text && text.TryGetBytesFromBase64(out var bytes)
                ? bytes
                : throw new FormatException("it has no value in base64"));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(answer);
        }
    }

    /// <summary>Stores a secret, instead of the one that has its name. Needs permission to write. What is stored is taken out of traces from now on.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="key">Its name there.</param>
    /// <param name="value">The value; at most <see cref="MaxValueBytes"/> as UTF-8.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">A name cannot be one, or the value is too long.</exception>
    /// <exception cref="MlflowException">The workspace refused, for example because the scope is one of Azure Key Vault or has 1000 secrets, or could not be reached.</exception>
    public Task PutAsync(string scope, string key, string value, CancellationToken cancellationToken = default)
    {
        Check(scope, key);
        ArgumentNullException.ThrowIfNull(value);
        var bytes = Encoding.UTF8.GetBytes(value);
        CheckSize(key, bytes.Length, nameof(value));
        return SendAsync(scope, key, bytes, ("string_value", value), cancellationToken);
    }

    /// <summary>As <see cref="PutAsync"/>, for a value that is no text.</summary>
    /// <inheritdoc cref="PutAsync"/>
    public Task PutBytesAsync(string scope, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        Check(scope, key);
        CheckSize(key, value.Length, nameof(value));
        return SendAsync(scope, key, value.Span, ("bytes_value", Convert.ToBase64String(value.Span)), cancellationToken);
    }

    /// <summary>Deletes a secret. Needs permission to write.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="key">Its name there.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">There is no such secret, or the workspace refused or could not be reached.</exception>
    public Task DeleteAsync(string scope, string key, CancellationToken cancellationToken = default)
    {
        Check(scope, key);
        return WriteAsync("/delete", ApiJson.Fields(("scope", scope), ("key", key)), cancellationToken);
    }

    /// <summary>Lists the secrets of a scope, without their values. Needs permission to read.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">There is no such scope, or the workspace refused or could not be reached.</exception>
    public async Task<IReadOnlyList<DatabricksSecretMetadata>> ListAsync(string scope, CancellationToken cancellationToken = default)
    {
        CheckScope(scope);
        var answer = await _api().GetAsync($"{Path}/list?scope={Uri.EscapeDataString(scope)}", cancellationToken).ConfigureAwait(false);
        return ApiJson.Read(answer, static json => ApiJson.Items(json, "secrets").Select(item => new DatabricksSecretMetadata(Required(item, "key"), Time(item, "last_updated_timestamp"))).ToList());
    }

    /// <summary>Creates a scope. Its creator may manage it.</summary>
    /// <param name="scope">Its name.</param>
    /// <param name="allUsersManage">Whether everybody in the workspace may manage it instead, which is all that workspaces without the premium tier can do.</param>
    /// <param name="keyVault">The Azure Key Vault that it shows. Null: the workspace keeps the secrets itself.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">There is one of that name (<see cref="MlflowErrorCode.ResourceAlreadyExists"/>), or the workspace refused or could not be reached.</exception>
    public Task CreateScopeAsync(string scope, bool allUsersManage = false, DatabricksKeyVault? keyVault = null, CancellationToken cancellationToken = default)
    {
        CheckScope(scope);
        var body = ScratchJson.Write((scope, allUsersManage, keyVault), static (json, s) =>
        {
            json.WriteStartObject();
            json.WriteString("scope", s.scope);
            if (s.allUsersManage)
            {
                json.WriteString("initial_manage_principal", "users");
            }

            if (s.keyVault is { } vault)
            {
                json.WriteString("scope_backend_type", "AZURE_KEYVAULT");
                json.WriteStartObject("backend_azure_keyvault");
                json.WriteString("resource_id", vault.ResourceId);
                json.WriteString("dns_name", vault.DnsName);
                if (vault.TenantId is not null)
                {
                    json.WriteString("tenant_id", vault.TenantId);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
        return WriteAsync("/scopes/create", body, cancellationToken);
    }

    /// <summary>Deletes a scope with all its secrets. Needs permission to manage.</summary>
    /// <param name="scope">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">There is no such scope, or the workspace refused or could not be reached.</exception>
    public Task DeleteScopeAsync(string scope, CancellationToken cancellationToken = default)
    {
        CheckScope(scope);
        return WriteAsync("/scopes/delete", ApiJson.Fields(("scope", scope)), cancellationToken);
    }

    /// <summary>Lists the scopes of the workspace that the credentials may see.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">The workspace refused or could not be reached.</exception>
    public async Task<IReadOnlyList<DatabricksSecretScope>> ListScopesAsync(CancellationToken cancellationToken = default)
    {
        var answer = await _api().GetAsync($"{Path}/scopes/list", cancellationToken).ConfigureAwait(false);
        return ApiJson.Read(answer, static json => ApiJson.Items(json, "scopes").Select(item => new DatabricksSecretScope(Required(item, "name"), Vault(item))).ToList());
    }

    /// <summary>Allows somebody something in a scope, instead of what was allowed before. Needs permission to manage.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="principal">A user, a service principal by its application id, or a group; <c>users</c> is everybody.</param>
    /// <param name="permission">What is allowed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">There is no such scope, or the workspace refused or could not be reached.</exception>
    public Task PutAclAsync(string scope, string principal, DatabricksSecretAccess permission, CancellationToken cancellationToken = default)
    {
        CheckScope(scope);
        ArgumentException.ThrowIfNullOrEmpty(principal);
        var name = permission switch
        {
            DatabricksSecretAccess.Read => "READ",
            DatabricksSecretAccess.Write => "WRITE",
            DatabricksSecretAccess.Manage => "MANAGE",
            _ => throw new ArgumentOutOfRangeException(nameof(permission), permission, "The permission must be one of Read, Write and Manage."),
        };
        return WriteAsync("/acls/put", ApiJson.Fields(("scope", scope), ("principal", principal), ("permission", name)), cancellationToken);
    }

    /// <summary>What somebody may do in a scope. Needs permission to manage.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="principal">Who.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">Nothing is allowed to them, there is no such scope, or the workspace refused or could not be reached.</exception>
    public async Task<DatabricksSecretAcl> GetAclAsync(string scope, string principal, CancellationToken cancellationToken = default)
    {
        CheckScope(scope);
        ArgumentException.ThrowIfNullOrEmpty(principal);
        var answer = await _api().GetAsync($"{Path}/acls/get?scope={Uri.EscapeDataString(scope)}&principal={Uri.EscapeDataString(principal)}", cancellationToken).ConfigureAwait(false);
        return ApiJson.Read(answer, ReadAcl);
    }

    /// <summary>Lists what is allowed to whom in a scope. Needs permission to manage.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">There is no such scope, or the workspace refused or could not be reached.</exception>
    public async Task<IReadOnlyList<DatabricksSecretAcl>> ListAclsAsync(string scope, CancellationToken cancellationToken = default)
    {
        CheckScope(scope);
        var answer = await _api().GetAsync($"{Path}/acls/list?scope={Uri.EscapeDataString(scope)}", cancellationToken).ConfigureAwait(false);
        return ApiJson.Read(answer, static json => ApiJson.Items(json, "items").Select(ReadAcl).ToList());
    }

    /// <summary>Allows somebody nothing any more in a scope. Needs permission to manage.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="principal">Who.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">Nothing was allowed to them, there is no such scope, or the workspace refused or could not be reached.</exception>
    public Task DeleteAclAsync(string scope, string principal, CancellationToken cancellationToken = default)
    {
        CheckScope(scope);
        ArgumentException.ThrowIfNullOrEmpty(principal);
        return WriteAsync("/acls/delete", ApiJson.Fields(("scope", scope), ("principal", principal)), cancellationToken);
    }

    /// <summary>Closes its connections, unless they are those of a <see cref="MlflowClient"/>.</summary>
    public void Dispose() => _workspaces?.Dispose();

    private Task<byte[]> SendAsync(string scope, string key, ReadOnlySpan<byte> value, (string Name, string Text) field, CancellationToken cancellationToken)
    {
        // The program has it in clear.
        KnownSecrets.Keep(KnownSecrets.Add(value));
        return WriteAsync("/put", ApiJson.Fields(("scope", scope), ("key", key), field), cancellationToken);
    }

    private Task<byte[]> WriteAsync(string path, byte[] body, CancellationToken cancellationToken) => _api().WriteUnchangedAsync(Path + path, body, cancellationToken);

    private static void CheckScope(string scope, [CallerArgumentExpression(nameof(scope))] string parameter = "") => SecretNameRule.Check(scope, "scope", parameter);

    private static void Check(string scope, string key)
    {
        CheckScope(scope);
        SecretNameRule.Check(key, "key", nameof(key));
    }

    private static void CheckSize(string key, int bytes, string parameter)
    {
        if (bytes > MaxValueBytes)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"The value for the secret '{key}' has {bytes} bytes, and a workspace takes {MaxValueBytes}: store a part, or a key to something that is elsewhere."),
                parameter);
        }
    }

    private static DatabricksSecretAcl ReadAcl(JsonElement json) => new(
        Required(json, "principal"),
        Required(json, "permission") switch
        {
            "READ" => DatabricksSecretAccess.Read,
            "WRITE" => DatabricksSecretAccess.Write,
            "MANAGE" => DatabricksSecretAccess.Manage,
            var other => throw new FormatException($"it has the permission '{other}', which is not known"),
        });

    private static DatabricksKeyVault? Vault(JsonElement scope) => ApiJson.Member(scope, "keyvault_metadata") is { } vault
        ? new DatabricksKeyVault(ApiJson.Text(vault, "resource_id") ?? "", ApiJson.Text(vault, "dns_name") ?? "")
        : null;

    private static string Required(JsonElement json, string name) => ApiJson.Text(json, name) ?? throw new FormatException($"it has no {name}");

    private static DateTimeOffset? Time(JsonElement json, string name) =>
        ApiJson.Member(json, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var milliseconds) ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
}
