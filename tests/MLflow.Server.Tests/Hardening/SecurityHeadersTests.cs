using MLflow.Server.Rest;
using Xunit;

namespace MLflow.Server.Tests.Hardening;

public sealed class SecurityHeadersTests(HardenedFixture fixture) : IClassFixture<HardenedFixture>
{
    [Theory]
    [InlineData("/", true)]
    [InlineData("/experiments/0", true)]
    [InlineData("/traces/tr-unknown", true)]
    [InlineData("/assets/app.js", false)]
    [InlineData("/assets/icon.svg", false)]
    [InlineData("/assets/none", false)]
    [InlineData("/health", false)]
    [InlineData("/api/3.0/mlflow/server-info", false)]
    [InlineData("/api/3.0/mlflow/traces/tr-unknown", false)]
    [InlineData("/api/3.0/mlflow/no-such-route", false)]
    [InlineData("/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-unknown", false)]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts/none", false)]
    [InlineData("/v1/traces", false)]
    [InlineData("/nothing", false)]
    public async Task EveryAnswer_HasTheHeaders(string path, bool isPage)
    {
        var server = fixture.Server;

        var (_, _, response) = await server.SendAsync("GET", path);

        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
        Assert.Equal(isPage, policy != SecurityHeaders.NothingAllowed);
        Assert.DoesNotContain("unsafe-eval", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-inline", policy.Replace("style-src-attr 'unsafe-inline'", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("frame-ancestors", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("SAMEORIGIN", Assert.Single(response.Headers.GetValues("X-Frame-Options")));
        Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
        Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Cross-Origin-Resource-Policy")));
        Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Cross-Origin-Opener-Policy")));
        Assert.False(response.Headers.Contains("Server"));
        Assert.All(response.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [], cookie => Assert.Contains("; samesite=strict; httponly", cookie, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("DENY", "DENY", "; frame-ancestors 'none'")]
    [InlineData("deny", "DENY", "; frame-ancestors 'none'")]
    [InlineData("NONE", null, null)]
    public async Task Frames_AreAsTheSettingSays(string setting, string? header, string? directive)
    {
        await using var server = await HardenedServer.StartAsync(options => options.XFrameOptions = setting);

        var (_, _, response) = await server.SendAsync("GET", "/");

        Assert.Equal(header, response.Headers.TryGetValues("X-Frame-Options", out var values) ? values.Single() : null);
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Equal(directive is not null, policy.Contains("frame-ancestors", StringComparison.Ordinal));
        Assert.EndsWith(directive ?? "", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frames_OfNoKnownName_AreNamedAtTheStart()
    {
        var exception = await Assert.ThrowsAsync<MlflowServerStartException>(() => HardenedServer.StartAsync(options => options.XFrameOptions = "ALLOW-FROM x"));

        Assert.Equal("--x-frame-options 'ALLOW-FROM x' is not understood: use SAMEORIGIN, DENY or NONE.", exception.Message);
    }
}
