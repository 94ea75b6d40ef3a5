using Xunit;

namespace MLflow.Server.Tests.Hardening;

/// <summary>Requests that a page of somebody else makes a browser send (CSRF), told by the Origin header, which no page can forge.</summary>
public sealed class OriginTests(HardenedFixture fixture) : IClassFixture<HardenedFixture>
{
    private const string Search = "/api/3.0/mlflow/traces/search";

    [Theory]
    [InlineData("https://evil.example", 403)]
    [InlineData("null", 403)]
    [InlineData("file://", 403)]
    [InlineData("chrome-extension://abcdef", 403)]
    [InlineData("http://localhost.evil.example", 403)]
    [InlineData("http://127.0.0.1.evil.example", 403)]
    [InlineData("http://evil.example#localhost", 403)]
    [InlineData("http://localhost@evil.example", 403)]
    [InlineData("http://evil.example/localhost", 403)]
    [InlineData("http://10.0.0.5", 403)]
    [InlineData("not an origin", 403)]
    [InlineData("http://localhost:3000", 200)]
    [InlineData("http://127.0.0.1:3000", 200)]
    [InlineData("http://[::1]:3000", 200)]
    public async Task Page_OfAnotherOrigin_MayNotWrite(string origin, int status)
    {
        var server = fixture.Server;

        Assert.Equal(status, (await server.SendAsync("POST", Search, new StringContent("{}", null, "application/json"), ("Origin", origin))).Status);
    }

    [Theory]
    [InlineData("POST", "/v1/traces")]
    [InlineData("POST", "/api/2.0/mlflow/traces/delete-traces")]
    [InlineData("PUT", "/api/2.0/mlflow-artifacts/artifacts/x")]
    [InlineData("DELETE", "/api/2.0/mlflow-artifacts/artifacts/x")]
    [InlineData("PATCH", "/api/3.0/mlflow/traces/tr-1/tags")]
    [InlineData("POST", "/_blazor/negotiate")]
    [InlineData("POST", "/")]
    public async Task EveryUnsafeVerb_OfAnotherOrigin_IsRefused(string method, string path)
    {
        var server = fixture.Server;

        var (status, body, _) = await server.SendAsync(method, path, new StringContent("{}", null, "text/plain"), ("Origin", "https://evil.example"));

        Assert.Equal(403, status);
        Assert.Contains("--cors-allowed-origins (MLFLOW_SERVER_CORS_ALLOWED_ORIGINS)", body, StringComparison.Ordinal);
    }

    // What a form can send without a preflight, and what a browser sends without an Origin, is no JSON.
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task Form_WithoutAnOrigin_ChangesNothing(string type)
    {
        var server = fixture.Server;
        using var content = new StringContent("""{"name":"by a form"}""");
        content.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(type);

        Assert.Equal(400, (await server.SendAsync("POST", "/api/2.0/mlflow/experiments/create", content)).Status);
        Assert.Equal(404, (await server.SendAsync("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=by%20a%20form")).Status);
    }

    [Fact]
    public async Task AnyHost_IsNotAnyOrigin()
    {
        await using var server = await HardenedServer.StartAsync(options => options.AllowedHosts = ["*"]);

        Assert.Equal(403, (await server.SendAsync("POST", Search, new StringContent("{}", null, "application/json"), ("Origin", "https://evil.example"))).Status);
    }

    [Theory]
    [InlineData("https://tracing.example", 200)]
    [InlineData("https://other.tracing.example", 403)]
    public async Task Page_OfAHostOfTheSettings_MayWrite(string origin, int status)
    {
        await using var server = await HardenedServer.StartAsync(options => options.AllowedHosts = ["tracing.example", "*.tracing.example"]);

        Assert.Equal(status, (await server.SendAsync("POST", Search, new StringContent("{}", null, "application/json"), ("Origin", origin))).Status);
    }

    [Theory]
    [InlineData("https://app.example", "https://app.example", true)]
    [InlineData("https://app.example/", "https://app.example", true)]
    [InlineData("https://app.example", "https://app.example:444", false)]
    [InlineData("https://app.example", "http://app.example", false)]
    [InlineData("https://app.example", "http://localhost:3000", false)]
    [InlineData("*", "https://evil.example", true)]
    public async Task Answers_AreReadableByOriginsOfTheSettingsAlone(string setting, string origin, bool isAllowed)
    {
        await using var server = await HardenedServer.StartAsync(options => options.CorsAllowedOrigins = [setting]);

        var (_, _, preflight) = await server.SendAsync(
            "OPTIONS", Search, null, ("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type"));
        var (_, _, answer) = await server.SendAsync("GET", "/api/3.0/mlflow/server-info", null, ("Origin", origin));

        Assert.Equal(isAllowed, preflight.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.Equal(isAllowed, answer.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.Equal(isAllowed && setting != "*", answer.Headers.Contains("Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task Answers_WithoutASetting_AreReadableByNoOtherPage()
    {
        var server = fixture.Server;

        var (_, _, answer) = await server.SendAsync("GET", "/api/3.0/mlflow/server-info", null, ("Origin", "http://localhost:3000"));

        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("app.example")]
    [InlineData("https://app.example/path")]
    [InlineData("https://*.app.example")]
    [InlineData("https://user@app.example")]
    [InlineData("null")]
    public async Task Setting_ThatIsNoOrigin_IsNamedAtTheStart(string origin)
    {
        var exception = await Assert.ThrowsAsync<MlflowServerStartException>(() => HardenedServer.StartAsync(options => options.CorsAllowedOrigins = [origin]));

        Assert.StartsWith($"--cors-allowed-origins '{origin}' is not understood", exception.Message, StringComparison.Ordinal);
    }
}
