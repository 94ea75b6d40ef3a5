using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>The stand-in itself: a client that knows nothing of Databricks must fail at it, or tests against it would prove nothing.</summary>
public sealed class StandInTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Certificate_ClientThatWasNotTold_IsNotTrusted()
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        using var client = new HttpClient();

        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri(workspace.Host + "/.well-known/databricks-config"), Token));
    }

    [Theory]
    [InlineData("GET", "/version")]
    [InlineData("POST", "/v1/traces")]
    [InlineData("GET", "/api/3.0/mlflow/server-info")]
    [InlineData("GET", "/api/3.0/mlflow/traces/get?trace_id=tr-1")]
    [InlineData("DELETE", "/api/2.0/mlflow/experiments/create")]
    public async Task Request_ThatNoSheetLists_IsRefused(string method, string path)
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        using var client = workspace.CreateNaiveClient(workspace.Tokens.AddPersonal());

        using var answer = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Token);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Single(workspace.Unlisted);
    }

    [Fact]
    public async Task Quota_NaiveClient_LosesTraces()
    {
        // A clock that stands: all of it happens within one second.
        await using var workspace = await StandInWorkspace.StartAsync(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50)));
        workspace.Quotas.Limit(QuotaGroup.CreateTraces, 3);
        var experiment = workspace.Experiments.Add("/Shared/naive");
        using var client = workspace.CreateNaiveClient(workspace.Tokens.AddPersonal());

        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 5; i++)
        {
            using var answer = await client.PostAsJsonAsync("/api/3.0/mlflow/traces", Start(experiment.Id, i), Token);
            statuses.Add(answer.StatusCode);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
                Assert.Equal("REQUEST_LIMIT_EXCEEDED", (await answer.Content.ReadFromJsonAsync<JsonObject>(Token))!["error_code"]!.GetValue<string>());
            }
        }

        Assert.Equal(3, workspace.Traces.All.Count);
        Assert.Equal(2, statuses.Count(s => s == HttpStatusCode.TooManyRequests));

        // Coming back at once does not help, and is seen.
        Assert.Equal(1, workspace.Quotas.Impatient);
    }

    [Fact]
    public async Task AccessToken_NaiveClientThatKeepsIt_IsRefusedLater()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var workspace = await StandInWorkspace.StartAsync(clock);
        var (id, secret) = workspace.Tokens.AddServicePrincipal();
        using var client = workspace.CreateNaiveClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, TokenEndpoints.Path)
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("scope", "all-apis")]),
        };
        request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{id}:{secret}")));
        using var issued = await client.SendAsync(request, Token);
        var token = (await issued.Content.ReadFromJsonAsync<JsonObject>(Token))!;
        client.DefaultRequestHeaders.Authorization = new("Bearer", token["access_token"]!.GetValue<string>());

        using var early = await client.GetAsync("/api/2.0/preview/scim/v2/Me", Token);

        // 29 seconds before its end, which the client sees as good.
        clock.Advance(TimeSpan.FromSeconds(token["expires_in"]!.GetValue<int>() - 29));
        using var late = await client.GetAsync("/api/2.0/preview/scim/v2/Me", Token);

        Assert.Equal(HttpStatusCode.OK, early.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, late.StatusCode);
    }

    [Fact]
    public async Task Redirect_NaiveClientThatFollows_TakesALoginPageForSuccess()
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        workspace.RedirectNext("/api/3.0/mlflow/traces", 1);
        var experiment = workspace.Experiments.Add("/Shared/naive");
        using var client = workspace.CreateNaiveClient(workspace.Tokens.AddPersonal());

        using var answer = await client.PostAsJsonAsync("/api/3.0/mlflow/traces", Start(experiment.Id, 1), Token);

        Assert.True(answer.IsSuccessStatusCode);
        Assert.Empty(workspace.Traces.All);
    }

    [Fact]
    public async Task TenantRedirect_NaiveClientThatFollows_LearnsNoTenant()
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        using var client = workspace.CreateNaiveClient();

        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("/aad/auth", Token));
    }

    [Theory]
    [InlineData("AWS_PRESIGNED_URL")]
    [InlineData("GCP_SIGNED_URL")]
    [InlineData("AZURE_SAS_URI")]
    [InlineData("AZURE_ADLS_GEN2_SAS_URI")]
    public async Task Storage_NaiveUpload_IsRefused(string kind)
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        workspace.Storage.Kind = Enum.Parse<StorageKind>(kind);
        using var client = workspace.CreateNaiveClient();

        // Without the headers of the credential, and with a type of its own.
        var (uri, _) = workspace.Storage.Sign("a/b", isUpload: true);
        using var answer = await client.PutAsync(new Uri(uri), new StringContent("{}", Encoding.UTF8, "application/json"), Token);

        Assert.False(answer.IsSuccessStatusCode);
        Assert.Empty(workspace.Storage.Objects);
        Assert.Single(workspace.Unlisted);
    }

    [Fact]
    public async Task Storage_WorkspaceToken_IsRefused()
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        using var client = workspace.CreateNaiveClient(workspace.Tokens.AddPersonal());
        workspace.Storage.Put("a/b", [1]);

        using var answer = await client.GetAsync(new Uri(workspace.Storage.Sign("a/b", isUpload: false).Uri), Token);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Single(workspace.Unlisted);
    }

    [Fact]
    public async Task Storage_ExpiredAddress_IsRefused()
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        using var client = workspace.CreateNaiveClient();
        workspace.Storage.Put("a/b", [1]);
        var (uri, _) = workspace.Storage.Sign("a/b", isUpload: false);

        using var early = await client.GetAsync(new Uri(uri), Token);
        workspace.Storage.ExpireAll();
        using var late = await client.GetAsync(new Uri(uri), Token);

        Assert.Equal(HttpStatusCode.OK, early.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
    }

    [Fact]
    public async Task CatalogSpans_WithoutTableHeader_AreRefused()
    {
        await using var workspace = await StandInWorkspace.StartAsync();
        using var client = workspace.CreateNaiveClient(workspace.Tokens.AddPersonal());
        using var content = new ByteArrayContent([]);
        content.Headers.ContentType = new("application/x-protobuf");

        using var answer = await client.PostAsync(CatalogSpanEndpoints.Path, content, Token);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    private static JsonObject Start(string experimentId, int number) => JsonSerializer.Deserialize<JsonObject>($$$"""
        {"trace":{"trace_info":{"trace_id":"tr-{{{number:x32}}}","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"{{{experimentId}}}"}},
        "request_time":"2026-01-31T10:00:00.000Z","execution_duration":"0.010s","state":"OK","trace_metadata":{"mlflow.trace_schema.version":"3"},"tags":{}} } }
        """)!;
}
