using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace MLflow.Tests.Export;

/// <summary>Certificates, against a real TLS server on loopback.</summary>
public sealed class TrackingTransportTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-tls-").FullName;
    private readonly WebApplication _app;
    private readonly string _authority;
    private readonly string _client;
    private string? _seenClient;

    public TrackingTransportTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = Request("CN=test authority", key, isAuthority: true).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        _authority = Write("authority.pem", authority.ExportCertificatePem());
        using var clientKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var client = Request("CN=tracer", clientKey, isAuthority: false).Create(authority, authority.NotBefore, authority.NotAfter, [1]);
        _client = Write("client.pem", client.ExportCertificatePem() + "\n" + clientKey.ExportPkcs8PrivateKeyPem());
        using var serverKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = Request("CN=localhost", serverKey, isAuthority: false).Create(authority, authority.NotBefore, authority.NotAfter, [2]);
        var certificate = X509CertificateLoader.LoadPkcs12(issued.CopyWithPrivateKey(serverKey).Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
        {
            https.ServerCertificate = certificate;
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.ClientCertificateValidation = (_, _, _) => true;
        })));
        _app = builder.Build();
        _app.MapGet("/version", (HttpContext context) =>
        {
            _seenClient = context.Connection.ClientCertificate?.Subject;
            return "3.11.2";
        });
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _app.StartAsync(Token);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Server_OfAnUnknownAuthority_IsNotSpokenTo()
    {
        var failure = await Assert.ThrowsAsync<ExportFailureException>(() => AskAsync());
        Assert.Equal(ExportFailureKind.Unreachable, failure.Kind);
    }

    [Fact]
    public Task Server_OfTheNamedAuthority_IsTrusted() => AskAsync(("MLFLOW_TRACKING_SERVER_CERT_PATH", _authority));

    [Fact]
    public Task Server_Insecure_IsTakenAsItIs() => AskAsync(("MLFLOW_TRACKING_INSECURE_TLS", "True"));

    [Fact]
    public async Task Server_ClientCertificate_IsShown()
    {
        await AskAsync(("MLFLOW_TRACKING_SERVER_CERT_PATH", _authority), ("MLFLOW_TRACKING_CLIENT_CERT_PATH", _client));
        Assert.Equal("CN=tracer", _seenClient);
    }

    [Fact]
    public void Read_SeveralMistakes_NamesThemAll()
    {
        var broken = Write("broken.pem", "no certificate");
        var mistake = Assert.Throws<ArgumentException>(() => Read(
            ("MLFLOW_TRACKING_INSECURE_TLS", "perhaps"), ("MLFLOW_TRACKING_SERVER_CERT_PATH", broken), ("MLFLOW_TRACKING_CLIENT_CERT_PATH", "/nowhere.pem")));
        Assert.Contains("MLFLOW_TRACKING_INSECURE_TLS is 'perhaps', but must be true or false.", mistake.Message, StringComparison.Ordinal);
        Assert.Contains($"MLFLOW_TRACKING_SERVER_CERT_PATH is '{broken}', which cannot be read", mistake.Message, StringComparison.Ordinal);
        Assert.Contains("MLFLOW_TRACKING_CLIENT_CERT_PATH is '/nowhere.pem', which cannot be read", mistake.Message, StringComparison.Ordinal);
        Assert.Contains("contradict", Assert.Throws<ArgumentException>(() => Read(("MLFLOW_TRACKING_INSECURE_TLS", "1"), ("MLFLOW_TRACKING_SERVER_CERT_PATH", _authority))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a=b, c = d%2Ce", "a=b;c=d,e")]
    [InlineData("", "")]
    [InlineData("a=b,broken", "")]
    [InlineData("=x", "")]
    public void ReadResource_Variable_IsReadAsOpenTelemetryDoes(string text, string expected) =>
        Assert.Equal(expected, string.Join(';', ProcessSource.ReadResource(text).Select(pair => $"{pair.Key}={pair.Value}")));

    private static TrackingTransport Read(params (string Name, string Value)[] variables) =>
        TrackingTransport.Read(name => variables.FirstOrDefault(variable => variable.Name == name).Value);

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (!isAuthority)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            request.CertificateExtensions.Add(names.Build());
        }

        return request;
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private async Task AskAsync(params (string Name, string Value)[] variables)
    {
        var port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        using var client = Read(variables).CreateClient(1);
        Assert.True((await new TrackingHttp(client, new Uri($"https://localhost:{port}"), TimeProvider.System).GetVersionAsync(Token)).TakesSpans);
    }
}
