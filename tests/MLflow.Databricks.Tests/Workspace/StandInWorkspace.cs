using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>
/// Stands in for a Databricks workspace over TLS, as the fact sheet (MLflow's and Databricks' own clients, read as code and documentation) describes it. Each endpoint names the
/// section that it follows; whatever none lists is refused and kept in <see cref="Unlisted"/>. What only a live workspace can confirm stands in docs/compatibility.md.
/// </summary>
internal sealed class StandInWorkspace : IAsyncDisposable
{
    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();
    private readonly ConcurrentQueue<string> _unlisted = new();
    private LoopbackHost? _host;
    private int _port;

    private StandInWorkspace(TimeProvider clock)
    {
        Clock = clock;
        Tokens = new WorkspaceTokens(clock);
        Quotas = new WorkspaceQuotas(clock);
        Experiments = new StoredExperiments();
        Traces = new StoredTraces();
        Catalog = new StoredCatalog();
        Secrets = new StoredSecrets(clock);
        Storage = new StandInStorage(clock);
        Cloud = new StandInCloud(this);
    }

    /// <summary>The workspace's own clock, which need not be that of its clients.</summary>
    public TimeProvider Clock { get; }

    /// <summary>Address as a program is told it: <c>https://localhost:…</c></summary>
    public string Host => $"https://localhost:{_host!.Port}";

    public WorkspaceTokens Tokens { get; }

    public WorkspaceQuotas Quotas { get; }

    public StoredExperiments Experiments { get; }

    public StoredTraces Traces { get; }

    public StoredCatalog Catalog { get; }

    public StoredSecrets Secrets { get; }

    /// <summary>Serving endpoints by name, each with the model behind it.</summary>
    public Dictionary<string, string> Models { get; } = new() { ["chat-prod"] = "gpt-4o-mini-2024-07-18", ["embed-prod"] = "gte-large-en" };

    /// <summary>Where documents of traces are uploaded to: a host of its own, which knows nothing of the workspace's tokens.</summary>
    public StandInStorage Storage { get; }

    /// <summary>What stands beside the workspace: Azure's token endpoint and a metadata service.</summary>
    public StandInCloud Cloud { get; }

    /// <summary>False where <c>/.well-known/databricks-config</c> is not there, as in older workspaces.</summary>
    public bool HasMetadata { get; set; } = true;

    /// <summary>Looks at a request first. True when it has answered.</summary>
    public Func<HttpContext, ReceivedRequest, Task<bool>>? Intercept { get; set; }

    public IReadOnlyCollection<ReceivedRequest> Requests => _requests;

    /// <summary>Requests that no sheet lists. A test of a client ends with none.</summary>
    public IReadOnlyCollection<string> Unlisted => _unlisted;

    public IEnumerable<ReceivedRequest> To(string path) => _requests.Where(request => request.Path == path);

    public static async Task<StandInWorkspace> StartAsync(TimeProvider? clock = null)
    {
        var workspace = new StandInWorkspace(clock ?? TimeProvider.System);
        await workspace.Storage.StartAsync(workspace);
        await workspace.Cloud.StartAsync();
        workspace._host = await LoopbackHost.StartAsync(workspace.Configure);
        return workspace;
    }

    /// <summary>A client as everybody has one: it trusts the stand-in and does nothing of itself.</summary>
    public HttpClient CreateNaiveClient(string? token = null)
    {
        var client = new HttpClient(TestAuthority.CreateHandler()) { BaseAddress = new Uri(Host) };
        if (token is not null)
        {
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        }

        return client;
    }

    /// <summary>Makes the next requests to a path fail with an answer that is not the API's, as what stands in front of it gives.</summary>
    public void FailNext(string path, int count, int status)
    {
        var left = count;
        Intercept = (context, request) =>
        {
            if (request.Path != path || Interlocked.Decrement(ref left) < 0)
            {
                return Task.FromResult(false);
            }

            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };
    }

    /// <summary>Answers the next requests to a path with the way to a login page, as what stands in front of a workspace does with strangers.</summary>
    public void RedirectNext(string path, int count)
    {
        const string login = "/login.html";
        var left = count;
        Intercept = async (context, request) =>
        {
            if (request.Path == login)
            {
                context.Response.ContentType = "text/html";
                await context.Response.WriteAsync("<html>Sign in</html>");
                return true;
            }

            if (request.Path != path || Interlocked.Decrement(ref left) < 0)
            {
                return false;
            }

            context.Response.StatusCode = StatusCodes.Status302Found;
            context.Response.Headers.Location = Host + login;
            return true;
        };
    }

    public void AddUnlisted(string request) => _unlisted.Enqueue(request);

    /// <summary>Nobody answers until <see cref="ComeBackAsync"/>.</summary>
    public async Task GoAwayAsync()
    {
        _port = _host!.Port;
        await _host.DisposeAsync();
    }

    public async Task ComeBackAsync() => _host = await LoopbackHost.StartAsync(Configure, port: _port);

    public async ValueTask DisposeAsync()
    {
        await _host!.DisposeAsync();
        await Storage.DisposeAsync();
        await Cloud.DisposeAsync();
    }

    private void Configure(WebApplication app)
    {
        app.Use(AnswerAsync);
        app.UseRouting();
        app.Use(AuthorizeAsync);
        IWorkspaceEndpoints[] groups =
        [
            new DiscoveryEndpoints(this),
            new TokenEndpoints(this),
            new UserEndpoints(this),
            new ExperimentEndpoints(this),
            new TraceEndpoints(this),
            new AssessmentEndpoints(this),
            new TraceDataEndpoints(this),
            new CatalogTraceEndpoints(this),
            new CatalogSpanEndpoints(this),
            new SecretEndpoints(this),
            new ServingEndpoints(this),
        ];
        foreach (var group in groups)
        {
            group.Map(app);
        }
    }

    private async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        var body = await ApiRequest.BufferAsync(context);
        var request = new ReceivedRequest(
            context.Request.Method,
            context.Request.Path,
            context.Request.QueryString.Value ?? "",
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body);
        _requests.Enqueue(request);

        // Kestrel's own is the machine's; a workspace tells its own time.
        context.Response.Headers.Date = Clock.GetUtcNow().ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        try
        {
            if (Intercept is not { } intercept || !await intercept(context, request))
            {
                await next(context);
            }
        }
        catch (UnlistedRequestException e)
        {
            await RefuseUnlistedAsync(context, e.Message);
        }

        request.Status = context.Response.StatusCode;
    }

    private async Task AuthorizeAsync(HttpContext context, RequestDelegate next)
    {
        var endpoint = context.GetEndpoint();
        if (endpoint?.RequestDelegate is null || endpoint is not Microsoft.AspNetCore.Routing.RouteEndpoint)
        {
            await RefuseUnlistedAsync(context, "no sheet lists it");
            return;
        }

        if (endpoint.Metadata.GetMetadata<PublicEndpoint>() is null)
        {
            // Fact sheet §1.6: 401 is "unauthenticated".
            if (!Tokens.Accepts(context.Request.Headers.Authorization))
            {
                await ApiAnswers.RefuseAsync(context, 401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type, has expired or is not known.");
                return;
            }

            if (!Cloud.AcceptsHeaders(context.Request.Headers))
            {
                await ApiAnswers.RefuseAsync(context, 403, "PERMISSION_DENIED", "The service principal is not a user of this workspace.");
                return;
            }
        }

        await next(context);
    }

    private async Task RefuseUnlistedAsync(HttpContext context, string why)
    {
        AddUnlisted($"{context.Request.Method} {context.Request.GetEncodedPathAndQuery()}: {why}");
        await ApiAnswers.RefuseAsync(context, 404, "ENDPOINT_NOT_FOUND", $"No API found for '{context.Request.Method} {context.Request.Path}': {why}");
    }
}
