using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>Each way into a workspace, over the wire.</summary>
public sealed class CredentialTests : WorkspaceTestBase
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly Dictionary<string, string> _variables = [];
    private readonly string _home = Directory.CreateTempSubdirectory("mlflow-home-").FullName;
    private DatabricksWorkspace? _opened;
    private Uri? _instanceMetadata;

    public override async ValueTask DisposeAsync()
    {
        _opened?.Dispose();
        Directory.Delete(_home, recursive: true);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Basic_UserAndPassword_LetsIn()
    {
        var (user, password) = Workspace.Tokens.AddUser();
        await AskAsync(new DatabricksOptions { Username = user, Password = password }, "basic");
    }

    [Fact]
    public async Task OAuth_ServicePrincipal_GetsTokenFoundThroughDiscovery()
    {
        var (id, secret) = Workspace.Tokens.AddServicePrincipal();
        await AskAsync(new DatabricksOptions { ClientId = id, ClientSecret = secret }, "oauth-m2m");
        await AskAsync();

        Assert.Equal(
            ["/.well-known/databricks-config", "/oidc/.well-known/oauth-authorization-server", TokenEndpoints.Path, "/api/2.0/preview/scim/v2/Me", "/api/2.0/preview/scim/v2/Me"],
            Workspace.Requests.Select(r => r.Path));
    }

    [Fact]
    public async Task OAuth_WorkspaceWithoutMetadata_UsesTheUsualAddress()
    {
        Workspace.HasMetadata = false;
        var (id, secret) = Workspace.Tokens.AddServicePrincipal();
        await AskAsync(new DatabricksOptions { ClientId = id, ClientSecret = secret }, "oauth-m2m");
    }

    [Fact]
    public async Task OAuth_WrongSecret_IsOneClearMessageWithoutIt()
    {
        var (id, _) = Workspace.Tokens.AddServicePrincipal();
        var e = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync(new DatabricksOptions { ClientId = id, ClientSecret = "wrong-secret" }, "oauth-m2m"));
        Assert.Equal(ExportFailureKind.Held, e.Kind);
        Assert.Contains("invalid_client: Client authentication failed", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OAuth_ManyAskAtOnce_OneTokenIsFetched()
    {
        var (id, secret) = Workspace.Tokens.AddServicePrincipal();
        Open(new DatabricksOptions { ClientId = id, ClientSecret = secret });
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => AskAsync()));
        Assert.Single(Workspace.To(TokenEndpoints.Path));
    }

    [Fact]
    public async Task OAuth_TokenNearItsEnd_IsReplacedBeforeItIsRefused()
    {
        var (id, secret) = Workspace.Tokens.AddServicePrincipal();
        _variables["DATABRICKS_DISABLE_ASYNC_TOKEN_REFRESH"] = "true";
        Open(new DatabricksOptions { ClientId = id, ClientSecret = secret });
        await AskAsync();
        _time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(41));
        await AskAsync();
        Assert.Single(Workspace.To(TokenEndpoints.Path));
        _time.Advance(TimeSpan.FromSeconds(2));
        await AskAsync();
        Assert.Equal(2, Workspace.To(TokenEndpoints.Path).Count());
        Assert.All(Workspace.To("/api/2.0/preview/scim/v2/Me"), request => Assert.Equal(200, request.Status));
    }

    [Fact]
    public async Task OAuth_StaleToken_IsUsedWhileTheNextOneComes()
    {
        var source = new SlowSource();
        var cache = new TokenCache(source, _time, refreshesAhead: true);
        source.Next.SetResult(new AccessToken("Bearer", "first", TimeSpan.FromHours(1)));
        Assert.Equal("first", (await cache.GetAsync(Token)).Value);

        // In its last 20 minutes.
        source.Next = new();
        _time.Advance(TimeSpan.FromMinutes(41));
        Assert.Equal("first", (await cache.GetAsync(Token)).Value);
        Assert.Equal("first", (await cache.GetAsync(Token)).Value);
        source.Next.SetResult(new AccessToken("Bearer", "second", TimeSpan.FromHours(1)));
        await source.AskedAsync(2);
        while ((await cache.GetAsync(Token)).Value != "second")
        {
            await Task.Yield();
        }

        Assert.Equal(2, source.Count);
    }

    [Fact]
    public async Task OAuth_RefreshAheadFails_TheOldOneIsUsedAndAMinutePasses()
    {
        var source = new SlowSource();
        var cache = new TokenCache(source, _time, refreshesAhead: true);
        source.Next.SetResult(new AccessToken("Bearer", "first", TimeSpan.FromHours(1)));
        await cache.GetAsync(Token);
        source.Next = new();
        source.Next.SetException(new ExportFailureException(ExportFailureKind.Busy, "x", "not now"));
        _time.Advance(TimeSpan.FromMinutes(41));
        Assert.Equal("first", (await cache.GetAsync(Token)).Value);
        await source.AskedAsync(2);
        Assert.Equal("first", (await cache.GetAsync(Token)).Value);
        Assert.Equal("first", (await cache.GetAsync(Token)).Value);
        Assert.Equal(2, source.Count);
    }

    [Fact]
    public async Task AccessToken_EndedEarly_IsReplacedAndTheRequestRepeated()
    {
        var (id, secret) = Workspace.Tokens.AddServicePrincipal();
        await AskAsync(new DatabricksOptions { ClientId = id, ClientSecret = secret }, "oauth-m2m");
        Workspace.Tokens.ExpireAll();
        await AskAsync();
        Assert.Equal([200, 401, 200], Workspace.To("/api/2.0/preview/scim/v2/Me").Select(r => r.Status));
    }

    [Fact]
    public async Task PersonalToken_Refused_IsOneClearMessageWithoutIt()
    {
        var token = Workspace.Tokens.AddPersonal();
        Workspace.Tokens.Revoke(token);
        var e = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync(new DatabricksOptions { Token = token }, "pat"));
        Assert.Contains("does not accept the credentials (pat; token from DatabricksOptions.Token)", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(token, e.ToString(), StringComparison.Ordinal);
        Assert.Single(Workspace.Requests);
    }

    [Fact]
    public async Task EnvOidc_IdentityToken_IsExchanged()
    {
        _variables["DATABRICKS_OIDC_TOKEN"] = Workspace.Tokens.AddFederated("client-1");
        await AskAsync(new DatabricksOptions { ClientId = "client-1" }, "env-oidc");
    }

    [Fact]
    public async Task FileOidc_IdentityToken_IsReadAnewEachTime()
    {
        var file = Path.Combine(_home, "id-token");
        File.WriteAllText(file, Workspace.Tokens.AddFederated(null) + "\n");
        _variables["DATABRICKS_OIDC_TOKEN_FILEPATH"] = file;
        await AskAsync(new DatabricksOptions(), "file-oidc");
        File.WriteAllText(file, Workspace.Tokens.AddFederated(null));
        Workspace.Tokens.ExpireAll();
        await AskAsync();
        Assert.Equal(2, Workspace.To(TokenEndpoints.Path).Select(r => r.Text).Distinct().Count());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Azure_ServicePrincipal_LetsIn(bool findsTenant, bool hasResource)
    {
        Workspace.Cloud.TakeAzureRequests();
        var (id, secret) = Workspace.Cloud.AddServicePrincipal();
        Workspace.Cloud.WorkspaceResourceId = hasResource ? "/subscriptions/s/resourceGroups/g/providers/Microsoft.Databricks/workspaces/w" : null;
        await AskAsync(
            new DatabricksOptions
            {
                AzureClientId = id,
                AzureClientSecret = secret,
                AzureTenantId = findsTenant ? null : Workspace.Cloud.Tenant,
                AzureWorkspaceResourceId = Workspace.Cloud.WorkspaceResourceId,
            },
            "azure-client-secret");
        Assert.Equal(hasResource ? 2 : 1, Workspace.Cloud.Requests.Count);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Azure_ManagedIdentity_LetsIn(bool isAssigned, bool hasResource)
    {
        Workspace.Cloud.AssignedIdentity = isAssigned ? Guid.NewGuid().ToString() : null;
        Workspace.Cloud.WorkspaceResourceId = hasResource ? "/subscriptions/s/resourceGroups/g/providers/Microsoft.Databricks/workspaces/w" : null;
        _instanceMetadata = Workspace.Cloud.InstanceMetadata;
        await AskAsync(
            new DatabricksOptions { AuthType = "azure-msi", AzureUseMsi = true, AzureClientId = Workspace.Cloud.AssignedIdentity, AzureWorkspaceResourceId = Workspace.Cloud.WorkspaceResourceId },
            "azure-msi");
        await AskAsync();
        Assert.Equal(hasResource ? 2 : 1, Workspace.Cloud.Requests.Count);

        // Ended early: another is asked for.
        Workspace.Tokens.ExpireAll();
        await AskAsync();
        Assert.Equal(hasResource ? 4 : 2, Workspace.Cloud.Requests.Count);
    }

    [Fact]
    public async Task Azure_ManagedIdentity_TheMachineHasNone_IsOneClearMessage()
    {
        _instanceMetadata = Workspace.Cloud.InstanceMetadata;
        var e = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync(new DatabricksOptions { AuthType = "azure-msi", AzureUseMsi = true, AzureClientId = "another" }, "azure-msi"));
        Assert.Equal(ExportFailureKind.Held, e.Kind);
        Assert.Contains("answered 400: invalid_request: Identity not found. Does the machine have that identity?", e.Message, StringComparison.Ordinal);
        Assert.Contains("azure_use_msi from DatabricksOptions.AzureUseMsi", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Azure_ManagedIdentity_NoMetadataService_IsOneClearMessage()
    {
        // Nobody listens there.
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        _instanceMetadata = new Uri($"http://127.0.0.1:{((System.Net.IPEndPoint)taken.LocalEndpoint).Port}");
        taken.Stop();
        var e = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync(new DatabricksOptions { AuthType = "azure-msi", AzureUseMsi = true }, "azure-msi"));
        Assert.Equal(ExportFailureKind.Held, e.Kind);
        Assert.Contains("No metadata service of Azure answers at 127.0.0.1", e.Message, StringComparison.Ordinal);
        Assert.Contains("Elsewhere use a service principal", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OAuth_TokenIsFetched_WithoutTheFlowOfWhoAsksFirst()
    {
        var flow = new AsyncLocal<string?> { Value = "a request of the program" };
        string? seen = "nothing was asked";
        var source = new SlowSource { Asked = () => seen = flow.Value };
        source.Next.SetResult(new AccessToken("Bearer", "t", null));
        await new TokenCache(source, _time, refreshesAhead: true).GetAsync(Token);
        Assert.Null(seen);
    }

    [Fact]
    public async Task MetadataService_GivesTokens()
    {
        _variables["DATABRICKS_METADATA_SERVICE_URL"] = Workspace.Cloud.MetadataServiceUrl;
        await AskAsync(new DatabricksOptions(), "metadata-service");
    }

    [Fact]
    public async Task MetadataService_Absent_IsOneClearMessage()
    {
        _variables["DATABRICKS_METADATA_SERVICE_URL"] = Workspace.Cloud.MetadataServiceUrl;
        Workspace.Cloud.HasMetadataService = false;
        var e = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync(new DatabricksOptions(), "metadata-service"));
        Assert.Contains("The Databricks metadata service gives no token", e.Message, StringComparison.Ordinal);
        Assert.Contains("metadata_service_url from DATABRICKS_METADATA_SERVICE_URL", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3600)]
    [InlineData(-7200)]
    public async Task Commands_GiveTokens_WhateverTheClocksSay(int skew)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The programs are shell scripts.");
        var end = _time.GetUtcNow().AddSeconds(3600 - skew);
        WriteProgram("az", JsonSerializer.Serialize(new { tokenType = "Bearer", accessToken = Workspace.Tokens.Issue(), expires_on = end.ToUnixTimeSeconds() }));
        _variables["DATABRICKS_AUTH_TYPE"] = "azure-cli";
        await AskAsync(new DatabricksOptions(), "azure-cli");
        Assert.Equal(["account get-access-token --resource 2ff814a6-3304-4ab8-85cb-cd0e6f879c1d --output json"], File.ReadAllLines(Path.Combine(_home, "az.log")));
        _opened!.Dispose();

        WriteProgram("databricks", JsonSerializer.Serialize(new { access_token = Workspace.Tokens.Issue(), token_type = "Bearer", expiry = end }));
        _variables["DATABRICKS_AUTH_TYPE"] = "databricks-cli";
        await AskAsync(new DatabricksOptions(), "databricks-cli");
        Assert.Equal(["auth token --host " + Workspace.Host], File.ReadAllLines(Path.Combine(_home, "databricks.log")));
    }

    [Fact]
    public async Task Commands_NotSignedIn_SaysWhatTheProgramSays()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The programs are shell scripts.");
        WriteProgram("databricks", "", "echo 'Error: no token, run databricks auth login' >&2; exit 1");
        var e = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync(new DatabricksOptions(), "databricks-cli"));
        Assert.Contains("gives no access token: Error: no token, run databricks auth login", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_TheOlderProgram_IsNotTaken()
    {
        File.WriteAllText(Path.Combine(_home, "databricks"), "#!/bin/sh\n");
        _variables["PATH"] = _home;
        _variables["DATABRICKS_HOST"] = Workspace.Host;
        Assert.Null(CredentialChoice.FindCli(DatabricksConfig.Read(null, null, Surroundings())));
    }

    [Fact]
    public async Task ModelServing_FileOfTheContainer_LetsIn()
    {
        File.WriteAllText(Path.Combine(_home, "serving"), $$"""{"OAUTH_TOKEN":[{"oauthTokenValue":"{{Workspace.Tokens.Issue()}}"}]}""");
        await AskAsync(new DatabricksOptions(), "model-serving");
    }

    [Fact]
    public async Task WorkspaceId_Configured_IsAHeader()
    {
        _variables["DATABRICKS_WORKSPACE_ID"] = "1234";
        await AskAsync(new DatabricksOptions { Token = Workspace.Tokens.AddPersonal() }, "pat");
        Assert.Equal("1234", Workspace.Requests.Single().Header("X-Databricks-Workspace-Id"));
    }

    [Fact]
    public async Task Redirect_IsAnErrorAndNotFollowed()
    {
        Workspace.RedirectNext("/api/2.0/preview/scim/v2/Me", 1);
        var e = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync(new DatabricksOptions { Token = Workspace.Tokens.AddPersonal() }, "pat"));
        Assert.Contains("with a redirect (302)", e.Message, StringComparison.Ordinal);
        Assert.Single(Workspace.Requests);
    }

    [Fact]
    public void ToString_OfWhatHoldsSecrets_HasNone()
    {
        var config = DatabricksConfig.Read(null, new DatabricksOptions { Host = Workspace.Host, Token = "secret-value" }, Surroundings());
        using var client = new HttpClient();
        Assert.All(
            [config.ToString(), CredentialChoice.Create(config, client, _time).ToString(), new AccessToken("Bearer", "secret-value", null).ToString(), new DatabricksValue("secret-value", "x").ToString(), new SignedCredential("k", new Uri("https://h/p?sig=secret-value"), []).ToString()],
            text => Assert.DoesNotContain("secret-value", text, StringComparison.Ordinal));
    }

    private DatabricksSurroundings Surroundings() => new(_variables.GetValueOrDefault, _home)
    {
        ModelServingTokenFile = Path.Combine(_home, "serving"),
        InstanceMetadata = _instanceMetadata ?? new Uri("http://127.0.0.1:1"),
    };

    private void Open(DatabricksOptions options)
    {
        options.Host = Workspace.Host;
        var config = DatabricksConfig.Read(null, options, Surroundings());
        _opened = new DatabricksWorkspace(config, TrackingTransport.Read(Environment.GetEnvironmentVariable), _time);
    }

    private async Task AskAsync(DatabricksOptions options, string method)
    {
        Open(options);
        Assert.Equal(method, _opened!.Credentials.Method);
        await AskAsync();
    }

    private async Task AskAsync()
    {
        using var answer = await _opened!.Http.SendJsonAsync(HttpMethod.Get, "/api/2.0/preview/scim/v2/Me", default, Token);
        Assert.Equal(UserEndpoints.UserName, answer.RootElement.GetProperty("userName").GetString());
    }

    /// <summary>A program that notes its arguments and writes this; longer than a megabyte, as the real one.</summary>
    private void WriteProgram(string name, string output, string? instead = null)
    {
        var path = Path.Combine(_home, name);
        var text = new StringBuilder("#!/bin/sh\n").Append(instead ?? $"echo \"$*\" >> {path}.log\necho '{output}'\n").Append("\nexit 0\n").Append('#', 1 << 20);
        File.WriteAllText(path, text.ToString());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        _variables["PATH"] = _home;
    }

    private sealed class SlowSource : ITokenSource
    {
        private readonly Channel<int> _asked = Channel.CreateUnbounded<int>();

        public Action Asked { get; init; } = () => { };

        public TaskCompletionSource<AccessToken> Next { get; set; } = new();

        public int Count { get; private set; }

        public string Origin => "test";

        public Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
        {
            Count++;
            Asked();
            _asked.Writer.TryWrite(Count);
            return Next.Task;
        }

        public async Task AskedAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await _asked.Reader.ReadAsync(TestContext.Current.CancellationToken);
            }
        }
    }
}
