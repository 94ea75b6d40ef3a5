using Xunit;

namespace MLflow.Server.Tests.Hosting;

public sealed class ProxyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("/mlflow/health")]
    [InlineData("/mlflow/api/3.0/mlflow/server-info")]
    [InlineData("/mlflow/ajax-api/2.0/mlflow/experiments/get?experiment_id=0")]
    [InlineData("/health")]
    [InlineData("/version")]
    public async Task Prefix_BeforeAPath_IsTakenAway(string path)
    {
        await using var server = await StartAsync(options => options.StaticPrefix = "/mlflow");
        using var client = new HttpClient { BaseAddress = server.BaseAddress };

        Assert.NotEmpty(await client.GetStringAsync(new Uri(path, UriKind.Relative), Xunit.TestContext.Current.CancellationToken));
        using var page = await client.GetAsync(new Uri("/mlflow/", UriKind.Relative), Xunit.TestContext.Current.CancellationToken);
        Assert.Contains("<base href=\"/mlflow/\" />", await page.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "http://localhost/api/")]
    [InlineData("10.0.0.0/8", "http://localhost/api/")]
    [InlineData("127.0.0.1", "https://traces.example/base/api/")]
    [InlineData("10.0.0.7,127.0.0.0/8", "https://traces.example/base/api/")]
    public async Task Forwarded_Headers_AreBelievedFromTrustedAddressesAlone(string proxies, string expected)
    {
        await using var server = await StartAsync(options =>
        {
            options.TrustedProxies = proxies.Split(',', StringSplitOptions.RemoveEmptyEntries);
            options.AllowedHosts = ["traces.example"];
        });
        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        using var request = Request("/api/2.0/mlflow-artifacts/mpu/create", "traces.example");

        using var answer = await client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        // An address of its own is what the server makes of them.
        Assert.Contains(
            $"\"url\":\"{expected}", await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 200)]
    [InlineData("127.0.0.1", 403)]
    public async Task Forwarded_Host_IsGuardedAsAnyOther(string proxies, int status)
    {
        await using var server = await StartAsync(options => options.TrustedProxies = proxies.Split(',', StringSplitOptions.RemoveEmptyEntries));
        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        using var request = Request("/api/3.0/mlflow/traces/search", "evil.example");

        using var answer = await client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Host_ThatIsRefused_IsNotSavedByAForwardedOne()
    {
        await using var server = await StartAsync(_ => { });
        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        using var request = Request("/api/3.0/mlflow/traces/search", "localhost");
        request.Headers.Host = "evil.example";

        using var answer = await client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(403, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Settings_ThatAreWrong_AreNamed()
    {
        var exception = await Assert.ThrowsAsync<MlflowServerStartException>(() => StartAsync(options =>
        {
            options.StaticPrefix = "mlflow/";
            options.TrustedProxies = ["10.0.0.1", "proxy.local"];
        }));

        Assert.Collection(
            exception.Message.Split(Environment.NewLine),
            line => Assert.StartsWith("--static-prefix 'mlflow/' is not understood: it must begin with a slash", line, StringComparison.Ordinal),
            line => Assert.StartsWith("--trusted-proxies 'proxy.local' is not understood", line, StringComparison.Ordinal));
    }

    private static HttpRequestMessage Request(string path, string host) => new(HttpMethod.Post, path)
    {
        Content = new StringContent("""{"path":"x","num_parts":1}""", null, "application/json"),
        Headers = { { "Host", "localhost" }, { "X-Forwarded-For", "203.0.113.9" }, { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Host", host }, { "X-Forwarded-Prefix", "/base" } },
    };

    private Task<MlflowServer> StartAsync(Action<MlflowServerOptions> configure)
    {
        var options = new MlflowServerOptions { Port = 0, BackendStoreUri = "sqlite:///" + _folder.File("mlflow.db"), ArtifactsDestination = _folder.File("artifacts") };
        configure(options);
        return MlflowServer.StartAsync(options);
    }
}
