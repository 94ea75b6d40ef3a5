using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MLflow.Server.Tests.Hardening;
using Xunit;

namespace MLflow.Server.Tests.Operations;

public sealed class TlsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Pem_WithItsKey_ServesHttp1AndHttp2AndGrpc()
    {
        var certificate = WritePem("first");
        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.TlsCertificate = _folder.File("cert.pem");
            options.TlsKey = _folder.File("key.pem");
            options.OtlpGrpcPort = 0;
            options.AllowedHosts = ["tracing.example"];
        });
        Assert.Equal(("https", "https"), (server.Server.BaseAddress.Scheme, server.Server.OtlpGrpcAddress!.Scheme));

        var (version1, thumbprint, _) = await GetAsync(server, HttpVersion.Version11);
        Assert.Equal((HttpVersion.Version11, certificate.Thumbprint), (version1, thumbprint));
        Assert.Equal(HttpVersion.Version20, (await GetAsync(server, HttpVersion.Version20)).Version);

        using var client = Client(_ => { });
        using var call = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Server.OtlpGrpcAddress, "opentelemetry.proto.collector.trace.v1.TraceService/Export"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new("application/grpc") } },
        };
        call.Headers.TE.Add(new("trailers"));
        using var answer = await client.SendAsync(call, Token);
        Assert.Equal("3", answer.TrailingHeaders.TryGetValues("grpc-status", out var trailer) ? trailer.Single() : answer.Headers.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task Hsts_IsSaidOfNamesAndNotOfThisMachine()
    {
        WritePem("first");
        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.TlsCertificate = _folder.File("cert.pem");
            options.TlsKey = _folder.File("key.pem");
            options.AllowedHosts = ["tracing.example"];
        });

        Assert.Equal("max-age=31536000", (await GetAsync(server, HttpVersion.Version11, "tracing.example")).Hsts);
        Assert.Null((await GetAsync(server, HttpVersion.Version11, "localhost")).Hsts);
        Assert.Null((await GetAsync(server, HttpVersion.Version11)).Hsts);
    }

    [Fact]
    public async Task Files_ThatChange_AreReadAgainAndBrokenOnesPassedOver()
    {
        using var log = new KeptLog();
        var first = WritePem("first");
        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.TlsCertificate = _folder.File("cert.pem");
            options.TlsKey = _folder.File("key.pem");
            options.ConfigureLogging = logging => logging.AddProvider(log);
        });
        Assert.Equal(first.Thumbprint, (await GetAsync(server, HttpVersion.Version11)).Thumbprint);

        var second = WritePem("second", hoursLater: 1);
        Assert.NotEqual(first.Thumbprint, second.Thumbprint);
        Assert.Equal(second.Thumbprint, (await GetAsync(server, HttpVersion.Version11)).Thumbprint);

        await File.WriteAllTextAsync(_folder.File("key.pem"), "half of a key", Token);
        Assert.Equal(second.Thumbprint, (await GetAsync(server, HttpVersion.Version11)).Thumbprint);
        Assert.Contains(log.Entries, entry => entry.Contains("The changed TLS certificate cannot be read, and the one before is used on", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pfx_WithItsPassword_IsServed()
    {
        using var certificate = Make("pfx");
        await File.WriteAllBytesAsync(_folder.File("cert.pfx"), certificate.Export(X509ContentType.Pkcs12, "s3cret"), Token);
        await using var server = await HardenedServer.StartAsync(options =>
        {
            options.TlsCertificate = _folder.File("cert.pfx");
            options.TlsPassword = "s3cret";
        });

        Assert.Equal(certificate.Thumbprint, (await GetAsync(server, HttpVersion.Version20)).Thumbprint);
    }

    [Theory]
    [InlineData("none.pem", null, null)]
    [InlineData("cert.pem", null, null)]
    [InlineData("cert.pem", "cert.pem", null)]
    [InlineData("cert.pem", "none.pem", null)]
    [InlineData("cert.pfx", null, "wrong")]
    [InlineData("cert.pfx", null, null)]
    [InlineData("text", null, null)]
    public async Task Files_ThatCannotBeUsed_AreNamedWithoutThePassword(string path, string? key, string? password)
    {
        WritePem("first");
        using var certificate = Make("pfx");
        await File.WriteAllBytesAsync(_folder.File("cert.pfx"), certificate.Export(X509ContentType.Pkcs12, "s3cret"), Token);
        await File.WriteAllTextAsync(_folder.File("text"), "text", Token);

        var exception = await Assert.ThrowsAsync<MlflowServerStartException>(() => HardenedServer.StartAsync(options =>
        {
            options.TlsCertificate = _folder.File(path);
            options.TlsKey = key is null ? null : _folder.File(key);
            options.TlsPassword = password;
        }));

        Assert.StartsWith($"--tls-cert '{_folder.File(path)}' cannot be used: ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", exception.Message.Replace("incorrect", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static HttpClient Client(Action<string> seen) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                seen(certificate!.GetCertHashString());
                return certificate is not null;
            },
        },
    });

    private static async Task<(Version Version, string Thumbprint, string? Hsts)> GetAsync(HardenedServer server, Version version, string? host = null)
    {
        var thumbprint = "";
        using var client = Client(seen => thumbprint = seen);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Server.BaseAddress, "health")) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Host = host;
        using var response = await client.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (response.Version, thumbprint, response.Headers.TryGetValues("Strict-Transport-Security", out var hsts) ? hsts.Single() : null);
    }

    private static X509Certificate2 Make(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2120, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }

    private X509Certificate2 WritePem(string name, int hoursLater = 0)
    {
        var certificate = Make(name);
        File.WriteAllText(_folder.File("cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(_folder.File("key.pem"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());

        // File systems may keep times in whole seconds only.
        foreach (var file in (string[])["cert.pem", "key.pem"])
        {
            File.SetLastWriteTimeUtc(_folder.File(file), File.GetLastWriteTimeUtc(_folder.File(file)).AddHours(hoursLater));
        }

        return certificate;
    }
}
