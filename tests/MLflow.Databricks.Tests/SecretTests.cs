using System.Text;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>Secrets of a workspace, over the wire.</summary>
public sealed class SecretTests : ClientTestBase
{
    private readonly List<DatabricksSecretsClient> _secrets = [];

    public override async ValueTask DisposeAsync()
    {
        _secrets.ForEach(secrets => secrets.Dispose());
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("a-value")]
    [InlineData("")]
    [InlineData("\"quotes\", \\slashes\\, 東京 and a line feed\n")]
    public async Task Secret_PutAndFetched_IsTheSame(string value)
    {
        var secrets = Secrets();
        await secrets.CreateScopeAsync("openai-secrets", cancellationToken: Token);
        await secrets.PutAsync("openai-secrets", "api-key", "older-value-1", Token);
        await secrets.PutAsync("openai-secrets", "api-key", value, Token);

        var secret = await secrets.GetAsync("openai-secrets", "api-key", Token);

        Assert.Equal(value, secret.Reveal());
        Assert.Equal(Encoding.UTF8.GetBytes(value), secret.RevealBytes());
        Assert.Equal(("openai-secrets", "api-key"), (secret.Scope, secret.Key));
    }

    [Fact]
    public async Task Secret_OfBytes_IsFetchedAsBytesOnly()
    {
        byte[] value = [0xFF, 0, 1, 0x80];
        var secrets = Secrets();
        await secrets.CreateScopeAsync("s", cancellationToken: Token);
        await secrets.PutBytesAsync("s", "k", value, Token);

        var secret = await secrets.GetAsync("s", "k", Token);

        Assert.Equal(value, secret.RevealBytes());
        Assert.Contains("RevealBytes", Assert.Throws<FormatException>(secret.Reveal).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_Managed_AreListedAndDeleted()
    {
        var secrets = Secrets();
        Assert.Empty(await secrets.ListScopesAsync(Token));
        await secrets.CreateScopeAsync("one", cancellationToken: Token);
        Assert.Empty(await secrets.ListAsync("one", Token));
        await secrets.PutAsync("one", "b", "2", Token);
        await secrets.PutAsync("one", "a", "1", Token);

        Assert.Equal([new("one", null)], await secrets.ListScopesAsync(Token));
        var listed = await secrets.ListAsync("ONE", Token);
        Assert.Equal(["a", "b"], listed.Select(secret => secret.Key));
        Assert.All(listed, secret => Assert.InRange(secret.LastUpdated!.Value, DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(150)));

        await secrets.DeleteAsync("one", "a", Token);
        Assert.Equal(["b"], (await secrets.ListAsync("one", Token)).Select(secret => secret.Key));
        await secrets.DeleteScopeAsync("one", Token);
        Assert.Empty(await secrets.ListScopesAsync(Token));
    }

    [Fact]
    public async Task Scope_OfAKeyVault_IsListedAndTakesNoSecrets()
    {
        var secrets = Secrets();
        await secrets.CreateScopeAsync("vault", keyVault: new DatabricksKeyVault("/subscriptions/1/vaults/v", "https://v.vault.azure.net/", "tenant"), cancellationToken: Token);

        Assert.Equal([new("vault", new DatabricksKeyVault("/subscriptions/1/vaults/v", "https://v.vault.azure.net/"))], await secrets.ListScopesAsync(Token));
        var e = await Assert.ThrowsAsync<MlflowException>(() => secrets.PutAsync("vault", "k", "not-for-this-scope", Token));
        Assert.Equal(MlflowErrorCode.BadRequest, e.ErrorCode);
        Assert.DoesNotContain("not-for-this-scope", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Acls_OfAScope_SayWhoMayWhat()
    {
        var secrets = Secrets();
        await secrets.CreateScopeAsync("team", cancellationToken: Token);
        await secrets.PutAsync("team", "k", "v1", Token);
        var bob = Secrets("bob@example.com");

        var e = await Assert.ThrowsAsync<MlflowException>(() => bob.GetAsync("team", "k", Token));
        Assert.Equal(MlflowErrorCode.PermissionDenied, e.ErrorCode);
        Assert.Contains("READ permission on scope team", e.Message, StringComparison.Ordinal);

        await secrets.PutAclAsync("team", "bob@example.com", DatabricksSecretAccess.Read, Token);
        Assert.Equal("v1", (await bob.GetAsync("team", "k", Token)).Reveal());
        await Assert.ThrowsAsync<MlflowException>(() => bob.PutAsync("team", "k", "v2", Token));
        Assert.Equal(new("bob@example.com", DatabricksSecretAccess.Read), await secrets.GetAclAsync("team", "bob@example.com", Token));

        await secrets.PutAclAsync("team", "bob@example.com", DatabricksSecretAccess.Write, Token);
        await bob.PutAsync("team", "k", "v2", Token);
        Assert.Equal([new(UserEndpoints.UserName, DatabricksSecretAccess.Manage), new("bob@example.com", DatabricksSecretAccess.Write)], await secrets.ListAclsAsync("team", Token));

        await secrets.DeleteAclAsync("team", "bob@example.com", Token);
        await Assert.ThrowsAsync<MlflowException>(() => bob.GetAsync("team", "k", Token));
        e = await Assert.ThrowsAsync<MlflowException>(() => secrets.GetAclAsync("team", "bob@example.com", Token));
        Assert.Equal(MlflowErrorCode.ResourceDoesNotExist, e.ErrorCode);
    }

    [Fact]
    public async Task Scope_ForEverybody_IsManagedByEverybody()
    {
        await Secrets().CreateScopeAsync("all", allUsersManage: true, cancellationToken: Token);
        await Secrets("bob@example.com").PutAsync("all", "k", "v", Token);
        Assert.Equal([new("users", DatabricksSecretAccess.Manage)], await Secrets("eve@example.com").ListAclsAsync("all", Token));
    }

    [Fact]
    public async Task Workspace_ThatRefuses_SaysWhy()
    {
        var secrets = Secrets();
        await AssertCode(MlflowErrorCode.ResourceDoesNotExist, () => secrets.GetAsync("nothing", "k", Token));
        await secrets.CreateScopeAsync("Scope", cancellationToken: Token);
        await AssertCode(MlflowErrorCode.ResourceAlreadyExists, () => secrets.CreateScopeAsync("sCOPE", cancellationToken: Token));
        await AssertCode(MlflowErrorCode.ResourceDoesNotExist, () => secrets.GetAsync("scope", "k", Token));
        await AssertCode(MlflowErrorCode.ResourceDoesNotExist, () => secrets.DeleteAsync("scope", "k", Token));
        Workspace.Secrets.MaxScopes = 1;
        await AssertCode(MlflowErrorCode.ResourceLimitExceeded, () => secrets.CreateScopeAsync("another", cancellationToken: Token));
        for (var i = 0; i < SecretEndpoints.MaxSecrets; i++)
        {
            Workspace.Secrets.Add("scope", $"k{i}", "v");
        }

        await AssertCode(MlflowErrorCode.ResourceLimitExceeded, () => secrets.PutAsync("scope", "one-more", "v", Token));
        await secrets.PutAsync("scope", "k0", "v2", Token);

        static async Task AssertCode(string code, Func<Task> act) => Assert.Equal(code, (await Assert.ThrowsAsync<MlflowException>(act)).ErrorCode);
    }

    [Fact]
    public async Task Get_WorkspaceThatGivesNotebooksOnly_SaysWhatToDo()
    {
        Workspace.Secrets.Add("s", "k", "v");
        Workspace.Secrets.IsForNotebooksOnly = true;
        var e = await Assert.ThrowsAsync<MlflowException>(() => Secrets().GetAsync("s", "k", Token));
        Assert.Contains("{{secrets/s/k}}", e.Message, StringComparison.Ordinal);
        Assert.Equal(MlflowErrorCode.BadRequest, e.ErrorCode);
    }

    [Theory]
    [InlineData("", "k")]
    [InlineData("a b", "k")]
    [InlineData("s", "a/b")]
    [InlineData("s", "東京")]
    public async Task Name_ThatCannotBeOne_IsRefusedBeforeARequest(string scope, string key)
    {
        var e = await Assert.ThrowsAsync<ArgumentException>(() => Secrets().GetAsync(scope, key, Token));
        Assert.Contains("1 to 128 letters, digits and - _ . @", e.Message, StringComparison.Ordinal);
        Assert.Empty(Workspace.Requests);
    }

    [Fact]
    public async Task Value_AtTheLimit_IsStoredAndAboveItRefusedBeforeARequest()
    {
        var secrets = Secrets();
        await secrets.CreateScopeAsync("s", cancellationToken: Token);
        await secrets.PutAsync("s", "k", new string('x', SecretEndpoints.MaxValueBytes), Token);
        var count = Workspace.Requests.Count;
        var e = await Assert.ThrowsAsync<ArgumentException>(() => secrets.PutAsync("s", "k", new string('x', SecretEndpoints.MaxValueBytes + 1), Token));
        Assert.Contains("131073 bytes", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("xxx", e.Message, StringComparison.Ordinal);
        Assert.Equal(count, Workspace.Requests.Count);
    }

    [Fact]
    public async Task Secrets_OfAClient_HaveItsCredentials()
    {
        var token = Workspace.Tokens.AddPersonal();
        Workspace.Secrets.Add("s", "k", "v");
        var client = Client(options => options.Databricks.Token = token);

        Assert.Equal("v", (await client.Secrets.GetAsync("s", "k", Token)).Reveal());

        var request = Assert.Single(Workspace.To(SecretEndpoints.Path + "/get"));
        Assert.Equal("Bearer " + token, request.Header("Authorization"));
        client.SetTrackingUri("http://127.0.0.1:1");
        Assert.Equal("v", (await client.Secrets.GetAsync("s", "k", Token)).Reveal());
    }

    [Fact]
    public async Task Secret_FetchedWithOAuthAfterItsTokenExpired_IsFetched()
    {
        Workspace.Secrets.Add("s", "k", "v");
        var (id, secret) = Workspace.Tokens.AddServicePrincipal();
        var secrets = new DatabricksSecretsClient(new DatabricksOptions { Host = Workspace.Host, ClientId = id, ClientSecret = secret });
        _secrets.Add(secrets);
        await secrets.GetAsync("s", "k", Token);
        Workspace.Tokens.ExpireAll();
        Assert.Equal("v", (await secrets.GetAsync("s", "k", Token)).Reveal());
    }

    [Theory]
    [InlineData("correct horse battery staple of the workspace")]
    [InlineData("\"Tr0ub4dor\\&3\\\\x/'<+>'\" of the workspace")]
    public async Task Secret_WhateverIsDoneWithIt_IsInNoTraceAndNoLog(string value)
    {
        Workspace.Secrets.Add("s", "k", value);
        var client = Client();
        var secret = await client.Secrets.GetAsync("s", "k", Token);
        using (var span = client.StartSpan("work"))
        {
            span.SetInputs(new { secret, prompt = $"use {secret.Reveal()} please", arguments = $"{{\"key\":{System.Text.Json.JsonSerializer.Serialize(secret.Reveal())}}}" });
            span.SetAttribute("note", secret.Reveal());
            span.RecordException(new InvalidOperationException("wrong key: " + secret.Reveal()));
            client.UpdateCurrentTrace(new TraceUpdate { Tags = new Dictionary<string, string> { ["tag"] = secret.Reveal() } });
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var id = client.GetLastActiveTraceId()!;
        await client.SetTraceTagAsync(id, "later", $"it was {secret.Reveal()}", Token);
        await client.LogFeedbackAsync(id, "leak", secret.Reveal(), rationale: secret.Reveal(), cancellationToken: Token);

        var sent = string.Join('\n', Workspace.Requests.Concat(Workspace.Storage.Requests).Select(request => Encoding.UTF8.GetString(request.Body)));
        var written = System.Text.Json.JsonSerializer.Serialize(value)[1..^1];
        Assert.Contains("[REDACTED]", sent, StringComparison.Ordinal);
        foreach (var text in new[] { sent, string.Join('\n', Log.Lines) })
        {
            Assert.DoesNotContain("Tr0ub4dor", text, StringComparison.Ordinal);
            Assert.DoesNotContain("battery", text, StringComparison.Ordinal);
            Assert.DoesNotContain(written, text, StringComparison.Ordinal);
        }

        Assert.Equal("it was [REDACTED]", (await client.GetTraceAsync(id, Token)).Tags["later"]);
    }

    [Fact]
    public async Task Names_ThatAreAlsoTheValueOfASecret_ReachTheWorkspaceAsTheyAre()
    {
        Workspace.Secrets.Add("s", "stage", "production-eu");
        var secrets = Secrets();
        Assert.Equal("production-eu", (await secrets.GetAsync("s", "stage", Token)).Reveal());

        await secrets.CreateScopeAsync("production-eu", cancellationToken: Token);
        await secrets.PutAsync("production-eu", "production-eu", "value-of-it", Token);
        await secrets.PutAclAsync("production-eu", "production-eu", DatabricksSecretAccess.Read, Token);
        Assert.Contains("production-eu", (await secrets.ListScopesAsync(Token)).Select(scope => scope.Name));
        Assert.Equal("value-of-it", (await secrets.GetAsync("production-eu", "production-eu", Token)).Reveal());
        await secrets.DeleteAclAsync("production-eu", "production-eu", Token);
        await secrets.DeleteAsync("production-eu", "production-eu", Token);
        await secrets.DeleteScopeAsync("production-eu", Token);
        Assert.Equal(["s"], Workspace.Secrets.All.Select(scope => scope.Name));
    }

    private DatabricksSecretsClient Secrets(string principal = UserEndpoints.UserName)
    {
        var secrets = new DatabricksSecretsClient(new DatabricksOptions { Host = Workspace.Host, Token = Workspace.Tokens.AddPersonal(principal) });
        _secrets.Add(secrets);
        return secrets;
    }
}
