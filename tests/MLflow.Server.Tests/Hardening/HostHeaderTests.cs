using Microsoft.AspNetCore.Http;
using MLflow.Server.Rest;
using Xunit;

namespace MLflow.Server.Tests.Hardening;

/// <summary>DNS rebinding: a page of <c>evil.example</c> that lets its name resolve to this machine sends its own name in the Host header.</summary>
public sealed class HostHeaderTests(HardenedFixture fixture) : IClassFixture<HardenedFixture>
{
    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:5000")]
    [InlineData("localhost.")]
    [InlineData("127.0.0.1:5000")]
    [InlineData("127.8.9.10")]
    [InlineData("10.1.2.3:80")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.3.4")]
    [InlineData("0.0.0.0:5000")]
    [InlineData("[::1]:5000")]
    [InlineData("[fd12::1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("[::ffff:10.0.0.1]:5000")]
    public void Host_OfThisMachineOrItsNetwork_IsAnswered(string host) => Assert.True(new HostAllowList([]).Allows(new HostString(host)));

    [Theory]
    [InlineData("")]
    [InlineData("evil.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("localhostevil.example")]
    [InlineData("evil.localhost")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("127.0.0.1.nip.example:5000")]
    [InlineData("localhost..")]
    [InlineData("8.8.8.8")]
    [InlineData("172.15.0.1")]
    [InlineData("172.32.0.1")]
    [InlineData("11.0.0.1")]
    [InlineData("192.169.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("100.64.0.1")]
    [InlineData("[::ffff:8.8.8.8]")]
    [InlineData("[64:ff9b::a9fe:a9fe]")]
    [InlineData("[fe80::1]")]
    [InlineData("[fe80::1%25eth0]")]
    [InlineData("[fd12::1%25eth0]")]
    [InlineData("[2001:db8::1]")]
    [InlineData("0177.0.0.1")]
    [InlineData("010.0.0.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("0x7f000001")]
    [InlineData("2130706433")]
    [InlineData("127.1")]
    [InlineData("１２７.0.0.1")]
    public void Host_OfAnythingElse_IsNot(string host) => Assert.False(new HostAllowList([]).Allows(new HostString(host)));

    [Theory]
    [InlineData("tracing.example", "tracing.example", true)]
    [InlineData("tracing.example", "Tracing.Example.:8443", true)]
    [InlineData("tracing.example", "eviltracing.example", false)]
    [InlineData("tracing.example", "tracing.example.evil", false)]
    [InlineData("tracing.example:8443", "tracing.example:8443", true)]
    [InlineData("tracing.example:8443", "tracing.example:443", false)]
    [InlineData("tracing.example:8443", "tracing.example", false)]
    [InlineData("*.example.com", "a.b.example.com", true)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com", ".example.com", false)]
    [InlineData("*.example.com", "evilexample.com", false)]
    [InlineData("203.0.113.0/24", "203.0.113.77", true)]
    [InlineData("203.0.113.0/24", "203.0.114.77", false)]
    [InlineData("203.0.113.0/24", "203.0.113.77.evil.example", false)]
    [InlineData("203.0.113.0/24", "[::ffff:203.0.113.9]", true)]
    [InlineData("203.0.113.7", "203.0.113.7:9000", true)]
    [InlineData("203.0.113.7", "203.0.113.70", false)]
    [InlineData("2001:db8::/32", "[2001:db8::1]:5000", true)]
    [InlineData("2001:db8::1", "[2001:db8:0:0:0:0:0:1]", true)]
    [InlineData("[2001:db8::1]:5000", "[2001:db8::1]:5001", false)]
    [InlineData("*", "evil.example", true)]
    public void Host_OfTheSettings_IsAnsweredAndNoOther(string entry, string host, bool isAllowed) => Assert.Equal(isAllowed, new HostAllowList([entry]).Allows(new HostString(host)));

    [Theory]
    [InlineData("https://tracing.example")]
    [InlineData("tracing.example/path")]
    [InlineData("192.168.*")]
    [InlineData("a.*.example")]
    [InlineData("*.")]
    [InlineData("tracing.example:many")]
    [InlineData("tracing.example:70000")]
    [InlineData("203.0.113.0/33")]
    [InlineData("")]
    public async Task Setting_ThatIsNoHost_IsNamedAtTheStart(string entry)
    {
        var exception = await Assert.ThrowsAsync<MlflowServerStartException>(() => HardenedServer.StartAsync(options => options.AllowedHosts = [entry]));

        Assert.StartsWith($"--allowed-hosts '{entry}' is not understood", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusal_NamesTheHostAndTheSetting()
    {
        var server = fixture.Server;

        var (status, body, _) = await server.SendAsync("GET", "/", null, ("Host", "evil.example"));

        Assert.Equal(403, status);
        Assert.Equal(
            "Invalid Host header - possible DNS rebinding attack detected: 'evil.example' is no name of this server. If it is one, allow it by --allowed-hosts (MLFLOW_SERVER_ALLOWED_HOSTS).",
            body);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/experiments/0")]
    [InlineData("/_blazor/negotiate")]
    [InlineData("/assets/app.js")]
    [InlineData("/api/3.0/mlflow/server-info")]
    [InlineData("/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-1")]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts/x")]
    [InlineData("/v1/traces")]
    [InlineData("/nothing")]
    public async Task EveryRoute_OfAnotherHost_IsRefused(string path)
    {
        var server = fixture.Server;

        Assert.Equal(403, (await server.SendAsync("GET", path, null, ("Host", "evil.example:5000"))).Status);
        Assert.Equal(403, (await server.SendAsync("POST", path, new StringContent("{}"), ("Host", "evil.example:5000"))).Status);
    }

    [Fact]
    public async Task Request_WithTwoHosts_OrAnotherInItsLine_IsRefused()
    {
        var server = fixture.Server;

        Assert.StartsWith("HTTP/1.1 400", await server.RawAsync("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", await server.RawAsync("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", await server.RawAsync("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
    }
}
