using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>
/// What stands beside a workspace: Azure's token endpoint, which clients find under its real name through <see cref="CloudProxy"/>, and a metadata service, which they are told the
/// address of. Fact sheet §1.5.
/// </summary>
internal sealed class StandInCloud(StandInWorkspace workspace) : IAsyncDisposable
{
    public const string LoginHost = "login.microsoftonline.com";

    /// <summary>The fixed id of Azure Databricks.</summary>
    public const string DatabricksResource = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

    public const string ManagementResource = "https://management.core.windows.net/";

    private readonly ConcurrentDictionary<string, string> _clients = new();
    private readonly ConcurrentDictionary<string, byte> _managementTokens = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private LoopbackHost? _azure;
    private LoopbackHost? _metadata;

    public string Tenant { get; } = Guid.NewGuid().ToString();

    /// <summary>Where the metadata service listens; plain HTTP, as such services do.</summary>
    public string MetadataServiceUrl => $"http://localhost:{_metadata!.Port}/oauth2/token";

    /// <summary>Where a machine of Azure asks for tokens of its own identity.</summary>
    public Uri InstanceMetadata => new($"http://localhost:{_metadata!.Port}");

    /// <summary>The client id of an identity that the machine has beside its own; null for none.</summary>
    public string? AssignedIdentity { get; set; }

    /// <summary>With this set, service principals enter only with the resource's id and a token for its management.</summary>
    public string? WorkspaceResourceId { get; set; }

    /// <summary>False where no metadata service runs.</summary>
    public bool HasMetadataService { get; set; } = true;

    public IReadOnlyCollection<string> Requests => _requests;

    public (string ClientId, string ClientSecret) AddServicePrincipal()
    {
        var (id, secret) = (Guid.NewGuid().ToString(), "az~" + Guid.NewGuid().ToString("N"));
        _clients[id] = secret;
        return (id, secret);
    }

    public async Task StartAsync()
    {
        _azure = await LoopbackHost.StartAsync(app => app.Run(AzureAsync));
        _metadata = await LoopbackHost.StartAsync(app => app.Run(MetadataAsync), isEncrypted: false);
    }

    /// <summary>Sends requests for Azure's hosts to this one, in the whole process, until another does so.</summary>
    public void TakeAzureRequests() => CloudProxy.Instance.Redirect(LoginHost, _azure!.Port);

    /// <summary>Fact sheet §1.5: with a resource id, two headers are needed beside the token.</summary>
    public bool AcceptsHeaders(IHeaderDictionary headers) =>
        WorkspaceResourceId is null
        || (headers["X-Databricks-Azure-Workspace-Resource-Id"] == WorkspaceResourceId && _managementTokens.ContainsKey(headers["X-Databricks-Azure-SP-Management-Token"].ToString()));

    public async ValueTask DisposeAsync()
    {
        await _azure!.DisposeAsync();
        await _metadata!.DisposeAsync();
    }

    /// <summary>Fact sheet §1.5, azure-client-secret: the v1 endpoint, with the credentials in the form.</summary>
    private async Task AzureAsync(HttpContext context)
    {
        var form = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(await ApiRequest.BufferAsync(context)));
        var resource = form.GetValueOrDefault("resource").ToString();
        _requests.Enqueue($"{context.Request.Method} {context.Request.Host}{context.Request.Path} {resource}");
        if (context.Request.Host.Host != LoginHost
            || context.Request.Method != "POST"
            || context.Request.Path != $"/{Tenant}/oauth2/token"
            || context.Request.ContentType != "application/x-www-form-urlencoded"
            || !form.Keys.Order(StringComparer.Ordinal).SequenceEqual(["client_id", "client_secret", "grant_type", "resource"]))
        {
            workspace.AddUnlisted($"azure: {context.Request.Method} {context.Request.Host}{context.Request.Path}");
            context.Response.StatusCode = 404;
            return;
        }

        if (form["grant_type"] != "client_credentials" || !_clients.TryGetValue(form["client_id"].ToString(), out var secret) || secret != form["client_secret"])
        {
            await TokenEndpoints.RefuseAsync(context, 401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
            return;
        }

        switch (resource)
        {
            case DatabricksResource:
                await AnswerAsync(context, workspace.Tokens.Issue());
                break;
            case ManagementResource:
                var token = "eyJm" + Guid.NewGuid().ToString("N");
                _managementTokens[token] = 0;
                await AnswerAsync(context, token);
                break;
            default:
                await TokenEndpoints.RefuseAsync(context, 400, "invalid_resource", "AADSTS500011: The resource principal was not found.");
                break;
        }
    }

    /// <summary>Fact sheet §1.5, azure-msi: <c>api-version</c>, <c>resource</c> and for one of several identities <c>client_id</c>, with the header <c>Metadata</c>.</summary>
    private async Task IdentityAsync(HttpContext context)
    {
        var query = context.Request.Query;
        _requests.Enqueue($"{context.Request.Method} identity {query["resource"]}");
        if (context.Request.Method != "GET" || context.Request.Headers["Metadata"] != "true" || query["api-version"] != "2018-02-01" || query.Keys.Except(["api-version", "resource", "client_id"]).Any())
        {
            workspace.AddUnlisted("identity: " + context.Request.QueryString);
            context.Response.StatusCode = 400;
            return;
        }

        if (query["client_id"] is [{ } id] && id != AssignedIdentity)
        {
            await TokenEndpoints.RefuseAsync(context, 400, "invalid_request", "Identity not found");
            return;
        }

        var token = query["resource"] == ManagementResource ? "eyJm" + Guid.NewGuid().ToString("N") : workspace.Tokens.Issue();
        if (query["resource"] == ManagementResource)
        {
            _managementTokens[token] = 0;
        }

        await AnswerAsync(context, token);
    }

    /// <summary>Azure's v1 endpoint writes numbers as text.</summary>
    private Task AnswerAsync(HttpContext context, string token) => ApiAnswers.OkAsync(context, new
    {
        token_type = "Bearer",
        access_token = token,
        expires_in = ((int)workspace.Tokens.Lifetime.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture),
    });

    /// <summary>Fact sheet §1.5, metadata-service: two headers. The shape of the answer is that of azure-msi: the sheet tells no other.</summary>
    private async Task MetadataAsync(HttpContext context)
    {
        if (context.Request.Path == "/metadata/identity/oauth2/token")
        {
            await IdentityAsync(context);
            return;
        }

        _requests.Enqueue($"{context.Request.Method} metadata");
        if (!HasMetadataService)
        {
            context.Response.StatusCode = 404;
        }
        else if (context.Request.Method != "GET" || context.Request.Headers["X-Databricks-Metadata-Version"] != "1" || context.Request.Headers["X-Databricks-Host"] != workspace.Host)
        {
            workspace.AddUnlisted("metadata service: a header is missing");
            context.Response.StatusCode = 400;
        }
        else
        {
            await ApiAnswers.OkAsync(context, new
            {
                access_token = workspace.Tokens.Issue(),
                token_type = "Bearer",
                expires_on = workspace.Clock.GetUtcNow().Add(workspace.Tokens.Lifetime).ToUnixTimeSeconds(),
            });
        }
    }
}
