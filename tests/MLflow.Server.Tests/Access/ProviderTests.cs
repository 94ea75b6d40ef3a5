using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Access;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Access;

/// <summary>Signing in at an identity provider, by real requests to one.</summary>
public sealed class ProviderTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private SomeProvider _provider = null!;
    private MlflowServer _server = null!;
    private Browser _browser = null!;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    private IAccessStore Users => _server.Services.GetRequiredService<IAccessStore>();

    public async ValueTask InitializeAsync()
    {
        _provider = await SomeProvider.StartAsync();
        _server = await MlflowServer.StartAsync(
            new MlflowServerOptions
            {
                Port = 0,
                OtlpGrpcPort = null,
                BackendStoreUri = "sqlite:///" + _folder.File("mlflow.db"),
                OpenIdConnect = new MlflowOpenIdConnectOptions
                {
                    Issuer = _provider.Issuer,
                    ClientId = SomeProvider.ClientId,
                    ClientSecret = SomeProvider.ClientSecret,
                    Name = "Acme",
                    AdminClaim = "groups",
                    AdminValue = "mlflow-admins",
                    DefaultPermission = "read",
                },
            },
            Token);
        _browser = new Browser(_server.BaseAddress);
    }

    public async ValueTask DisposeAsync()
    {
        _browser.Dispose();
        await _server.DisposeAsync();
        await _provider.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task SignIn_GoesToTheProviderAndComesBackToTheLink()
    {
        Assert.Contains("Sign in with Acme", (await _browser.GetAsync("login?return=/experiments/0")).Text, StringComparison.Ordinal);

        Assert.Equal("/experiments/0", await SignInAsync("/experiments/0"));

        Assert.Contains("<h1>ada</h1>", (await _browser.GetAsync("account")).Text, StringComparison.Ordinal);
        var user = Users.FindUser("ada")!;
        Assert.Equal((_provider.Issuer, "subject-1", false, Permission.Read), (user.Issuer, user.Subject, user.IsAdmin, user.DefaultPermission));
        Assert.Contains(Users.ListAudit(10), entry => entry is { Actor: "ada", Action: AuditAction.Login, Result: AuditResult.Done });
    }

    [Theory]
    [InlineData("nonce", "another")]
    [InlineData("iss", "https://evil.example")]
    [InlineData("aud", "another client")]
    [InlineData("exp", "expired")]
    [InlineData("signature", "another key")]
    [InlineData("signature", "none")]
    [InlineData("signature", "stripped")]
    [InlineData("sub", null)]
    public async Task SignIn_WithATokenThatIsNotForUs_IsRefused(string claim, string? value)
    {
        _provider.SignsWithAnotherKey = value == "another key";
        _provider.DoesNotSign = value == "none";
        _provider.StripsSignature = value == "stripped";
        if (claim != "signature")
        {
            _provider.Claims[claim] = value == "expired" ? JsonValue.Create(TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeSeconds()) : value;
        }

        Assert.Equal("/login?failed=1", await SignInAsync("/"));

        Assert.Equal(1, _provider.Exchanges);
        Assert.Null(_browser.Session);
        Assert.Empty(Users.ListUsers());
        Assert.Contains("Signing in failed.", (await _browser.GetAsync("login?failed=1")).Text, StringComparison.Ordinal);
        Assert.Contains(Users.ListAudit(10), entry => entry is { Action: AuditAction.Login, Result: AuditResult.Failed });
    }

    [Fact]
    public async Task Callback_OfAnotherBrowser_IsRefused()
    {
        var callback = await AskAsync("/");
        using var victim = new Browser(_server.BaseAddress);

        Assert.Equal("/login?failed=1", (await victim.GetAsync(callback.PathAndQuery)).Location!.OriginalString);
        Assert.Null(victim.Session);
    }

    [Fact]
    public async Task Groups_MakeAdministratorsAndUnmakeThem()
    {
        _provider.Claims["groups"] = new JsonArray("staff", "mlflow-admins");
        await SignInAsync("/");
        Assert.True(Users.FindUser("ada")!.IsAdmin);
        await Users.CreateUserAsync(new NewUser("root", null, IsAdmin: true), onlyFirst: false, Token);

        _provider.Claims["groups"] = new JsonArray("staff");
        await SignInAsync("/");

        Assert.False(Users.FindUser("ada")!.IsAdmin);
    }

    [Fact]
    public async Task Subject_CalledAsAUserIsCalled_IsNotThatUser()
    {
        var local = await Users.CreateUserAsync(new NewUser("ada", null, IsAdmin: true), onlyFirst: false, Token);

        await SignInAsync("/");

        Assert.Contains("<h1>subject-1@127.0.0.1</h1>", (await _browser.GetAsync("account")).Text, StringComparison.Ordinal);
        Assert.Null(Users.FindUser(local.UserId)!.Issuer);
    }

    [Fact]
    public async Task SignIn_Elsewhere_DoesNotLeadElsewhere() => Assert.Equal("/", await SignInAsync("https://evil.example/"));

    private async Task<string> SignInAsync(string address) => (await _browser.GetAsync((await AskAsync(address)).PathAndQuery)).Location!.OriginalString;

    // To the provider, and its answer: the address to which it sends the browser back.
    private async Task<Uri> AskAsync(string address)
    {
        var (status, _, authorize) = await _browser.GetAsync("login/provider?return=" + Uri.EscapeDataString(address));
        Assert.Equal(HttpStatusCode.Redirect, status);
        using var provider = new Browser(authorize!);
        var (_, text, callback) = await provider.GetAsync(authorize!.PathAndQuery);
        return callback ?? throw new InvalidOperationException(text);
    }
}
