using System.Net;
using System.Text.RegularExpressions;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using Xunit;

namespace MLflow.Server.Tests.Access;

public sealed partial class LoginTests : IAsyncLifetime
{
    private readonly SomeGuardedServer _server = new();
    private Browser _browser = null!;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _browser = new Browser(_server.Server.BaseAddress);
    }

    public async ValueTask DisposeAsync()
    {
        _browser.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("/metrics")]
    [InlineData("/experiments/0")]
    public async Task Address_AskedForByAProgram_IsRefusedWithoutALogin(string path)
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = _server.Server.BaseAddress };
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task SharedLink_SurvivesTheLogin()
    {
        var link = $"/traces/{_server.HerTrace}?tab=raw&span=x%26y";
        var (status, _, login) = await _browser.GetAsync(link);
        Assert.Equal((HttpStatusCode.Redirect, "/login"), (status, login!.AbsolutePath));

        var (_, _, location) = await _browser.SubmitAsync(login.PathAndQuery, "login", ("name", "edith"), ("password", SomeGuardedServer.Password));

        Assert.Equal(link, location!.OriginalString);
        Assert.Equal(HttpStatusCode.OK, (await _browser.GetAsync(link)).Status);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("~/x")]
    [InlineData("/\t/evil.example")]
    public async Task ReturnAddress_ElsewhereIsNotGoneTo(string address)
    {
        var (_, _, location) = await _browser.SubmitAsync("login?return=" + Uri.EscapeDataString(address), "login", ("name", "edith"), ("password", SomeGuardedServer.Password));
        var (_, _, given) = await _browser.SubmitAsync("login", "login", ("return", address), ("name", "edith"), ("password", SomeGuardedServer.Password));

        Assert.Equal("/", location!.OriginalString);
        Assert.DoesNotContain("evil", given!.OriginalString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_IsAPlainFormThatNobodyMayKeepOrFrame()
    {
        using var response = await _server.SendAsync(HttpMethod.Get, "/prefix/login");
        var text = await response.Content.ReadAsStringAsync(Token);

        Assert.Contains("<base href=\"/prefix/\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("blazor", text, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.True(response.Headers.CacheControl!.NoStore);
    }

    [Fact]
    public async Task Login_WithoutTheProofOfOurForm_IsRefused()
    {
        await _browser.GetAsync("login");
        var (status, _, _) = await _browser.PostAsync("login", ("name", "edith"), ("password", SomeGuardedServer.Password));

        // A proof that another browser was given is worth nothing here.
        using var other = new Browser(_server.Server.BaseAddress);
        var proof = Proof().Match((await other.GetAsync("login")).Text).Groups["value"].Value;
        var (forged, _, _) = await _browser.PostAsync("login", ("name", "edith"), ("password", SomeGuardedServer.Password), ("__RequestVerificationToken", proof));

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (status, forged));
        Assert.Null(_browser.Session);
    }

    [Fact]
    public async Task Session_PlantedBefore_IsNotTheNewUsers()
    {
        using var attacker = new Browser(_server.Server.BaseAddress);
        await attacker.LoginAsync("maria");
        var planted = attacker.Session!;
        _browser.Cookies.Add(new Cookie("mlflow.session", planted, "/", _server.Server.BaseAddress.Host));

        await _browser.LoginAsync("edith");

        Assert.NotEqual(planted, _browser.Session);
        Assert.Contains("<h1>maria</h1>", (await attacker.GetAsync("account")).Text, StringComparison.Ordinal);
        Assert.Contains("<h1>edith</h1>", (await _browser.GetAsync("account")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cookie_IsOutOfReachOfScriptsAndOtherSites()
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = _browser.Cookies }) { BaseAddress = _server.Server.BaseAddress };
        var proof = Proof().Match((await _browser.GetAsync("login")).Text).Groups["value"].Value;
        using var content = new FormUrlEncodedContent(new Dictionary<string, string> { ["name"] = "edith", ["password"] = SomeGuardedServer.Password, ["__RequestVerificationToken"] = proof });
        using var response = await client.PostAsync(new Uri("/login", UriKind.Relative), content, Token);
        var cookie = Assert.Single(response.Headers.GetValues("Set-Cookie"), value => value.StartsWith("mlflow.session=", StringComparison.Ordinal));

        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Logout_EndsTheSessionAndNotOnlyItsCookie()
    {
        await _browser.LoginAsync("edith");
        using var copy = new Browser(_server.Server.BaseAddress);
        copy.Cookies.Add(new Cookie("mlflow.session", _browser.Session!, "/", _server.Server.BaseAddress.Host));
        Assert.Equal(HttpStatusCode.OK, (await copy.GetAsync("account")).Status);

        await _browser.SubmitAsync("account", "logout");

        Assert.Equal(HttpStatusCode.Redirect, (await copy.GetAsync("account")).Status);
    }

    [Fact]
    public async Task Session_EndsWithItsTimeAndItsUser()
    {
        await _browser.LoginAsync("edith");
        using var other = new Browser(_server.Server.BaseAddress);
        await other.LoginAsync("maria");

        await _server.Users.DeleteUserAsync("edith", Token);
        Assert.Equal(HttpStatusCode.Redirect, (await _browser.GetAsync("account")).Status);
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync("account")).Status);

        _server.Time.Advance(SessionTickets.Life);
        Assert.Equal(HttpStatusCode.Redirect, (await other.GetAsync("account")).Status);
    }

    [Theory]
    [InlineData("http://localhost:3000", HttpStatusCode.Unauthorized)]
    [InlineData(null, HttpStatusCode.OK)]
    public async Task Cookie_ChangesNothingFromAnotherPageOfThisMachine(string? origin, HttpStatusCode expected)
    {
        await _browser.LoginAsync("edith");
        (string, string)[] headers = origin is null ? [("Cookie", "mlflow.session=" + _browser.Session)] : [("Cookie", "mlflow.session=" + _browser.Session), ("Origin", origin)];

        Assert.Equal(expected, await _server.StatusAsync(HttpMethod.Patch, $"/ajax-api/3.0/mlflow/traces/{_server.HerTrace}/tags", new { key = "k", value = "v" }, headers: headers));
    }

    [Fact]
    public async Task WrongPasswords_AreCountedTogetherWithThoseOfHeaders()
    {
        for (var i = 0; i < PasswordCheck.AddressLimit; i++)
        {
            await _server.StatusAsync(HttpMethod.Get, "/api/3.0/mlflow/server-info", credentials: SomeGuardedServer.Basic("edith", $"wrong {i}"));
        }

        var (status, text, _) = await _browser.SubmitAsync("login", "login", ("name", "edith"), ("password", SomeGuardedServer.Password));

        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.Contains("Try again in 300 seconds.", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongPassword_IsToldAndTheNameStaysAsText()
    {
        var (status, text, _) = await _browser.SubmitAsync("login", "login", ("name", "<script>alert(1)</script>\""), ("password", "x"));

        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Contains("The user name or the password is wrong.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>alert", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_ShowWhatTheirReaderMaySee()
    {
        await _browser.LoginAsync("edith");

        Assert.Contains(">hers<", (await _browser.GetAsync("/")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(">others<", (await _browser.GetAsync("/")).Text, StringComparison.Ordinal);
        var (experiment, text, _) = await _browser.GetAsync($"/experiments/{_server.Others}");
        var (trace, _, _) = await _browser.GetAsync($"/traces/{_server.OthersTrace}");
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (experiment, trace));
        Assert.DoesNotContain("others", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await _browser.GetAsync($"/experiments/{_server.Hers}")).Status);
    }

    [Fact]
    public async Task OwnToken_IsMadeShownOnceAndRevoked()
    {
        await _browser.LoginAsync("edith");
        var (_, text, _) = await _browser.SubmitAsync("account", "account/tokens", ("name", "ci"), ("scope", "read"), ("days", "30"));
        var token = TokenText().Match(text).Value;
        var credentials = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);

        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Get, "/api/3.0/mlflow/server-info", credentials: credentials));
        Assert.DoesNotContain(token, (await _browser.GetAsync("account")).Text, StringComparison.Ordinal);

        await _browser.SubmitAsync("account", "account/tokens/revoke");
        Assert.Equal(HttpStatusCode.Unauthorized, await _server.StatusAsync(HttpMethod.Get, "/api/3.0/mlflow/server-info", credentials: credentials));
    }

    [Fact]
    public async Task Token_OfAnother_IsNotRevoked()
    {
        var credentials = await _server.TokenAsync("maria", TokenScope.Read);
        var id = credentials.Parameter![4..16];
        await _browser.LoginAsync("edith");
        await _browser.SubmitAsync("account", "account/tokens", ("name", "own"), ("scope", "read"), ("days", "1"));
        var form = Proof().Match((await _browser.GetAsync("account")).Text).Groups["value"].Value;

        await _browser.PostAsync("account/tokens/revoke", ("__RequestVerificationToken", form), ("token", id));

        Assert.Equal(HttpStatusCode.NotFound, await _server.StatusAsync(HttpMethod.Delete, "/api/2.0/mlflow/users/tokens/revoke", new { token_id = id }, SomeGuardedServer.Basic("edith")));
        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Get, "/api/3.0/mlflow/server-info", credentials: credentials));
    }

    [Fact]
    public async Task FirstUser_IsMadeByTheLinkOnce()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(
            new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, RequireAuthentication = true, BackendStoreUri = "sqlite:///" + folder.File("mlflow.db") }, Token);
        using var browser = new Browser(server.BaseAddress);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.GetAsync("/")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync("setup?token=guess")).Status);
        var link = server.SetupAddress!.PathAndQuery;

        Assert.Contains("fewer than", (await browser.SubmitAsync(link, "setup", ("name", "root"), ("password", "short"))).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.SubmitAsync(link, "setup", ("name", "root"), ("password", SomeGuardedServer.Password))).Status);

        Assert.Contains("Administrator", (await browser.GetAsync("account")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync(link)).Status);
    }

    [Fact]
    public async Task Session_OutlivesARestartWithThePassphraseAlone()
    {
        using var folder = new TemporaryFolder();
        var options = new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, RequireAuthentication = true, BackendStoreUri = "sqlite:///" + folder.File("mlflow.db"), KeyPassphrase = "a passphrase" };
        string session;
        await using (var server = await MlflowServer.StartAsync(options, Token))
        {
            using var browser = new Browser(server.BaseAddress);
            await browser.SubmitAsync(server.SetupAddress!.PathAndQuery, "setup", ("name", "root"), ("password", SomeGuardedServer.Password));
            session = browser.Session!;
        }

        Assert.Equal(HttpStatusCode.OK, await AccountAsync("a passphrase"));
        Assert.Equal(HttpStatusCode.Redirect, await AccountAsync("another"));

        async Task<HttpStatusCode> AccountAsync(string passphrase)
        {
            options.KeyPassphrase = passphrase;
            await using var server = await MlflowServer.StartAsync(options, Token);
            using var browser = new Browser(server.BaseAddress);
            browser.Cookies.Add(new Cookie("mlflow.session", session, "/", server.BaseAddress.Host));
            return (await browser.GetAsync("account")).Status;
        }
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"(?<value>[^\"]+)\"")]
    private static partial Regex Proof();

    [GeneratedRegex("mlf_[A-Za-z0-9_-]+")]
    private static partial Regex TokenText();
}
