using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>The authority that signs what stand-ins show. Its certificate lies in a file that clients are told of, as a company's would.</summary>
internal static class TestAuthority
{
    private static readonly X509Certificate2 Authority = CreateAuthority();

    /// <summary>PEM file of the authority, for <c>MLFLOW_TRACKING_SERVER_CERT_PATH</c>.</summary>
    public static string CertificatePath { get; } = WriteCertificate();

    /// <summary>What every stand-in shows: for this machine and for the hosts that the sheet names.</summary>
    public static X509Certificate2 Server { get; } = CreateServer();

    /// <summary>Before anything reads the variable, since the SDK does so once.</summary>
    [ModuleInitializer]
    public static void Trust() => Environment.SetEnvironmentVariable("MLFLOW_TRACKING_SERVER_CERT_PATH", CertificatePath);

    /// <summary>A handler that trusts the authority and is otherwise as .NET makes it.</summary>
    public static SocketsHttpHandler CreateHandler()
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.Add(Authority);
        return handler;
    }

    private static X509Certificate2 CreateAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Stand-in authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
    }

    private static X509Certificate2 CreateServer()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName(StandInCloud.LoginHost);
        names.AddDnsName("*.azuredatabricks.net");
        names.AddDnsName(StandInOpenAI.Host);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var signed = request.Create(Authority, now.AddHours(-12), now.AddDays(20), RandomNumberGenerator.GetBytes(8));
        using var withKey = signed.CopyWithPrivateKey(key);

        // Windows' TLS does not take keys that were never stored.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    private static string WriteCertificate()
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-authority-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var path = Path.Combine(folder, "authority.pem");
        File.WriteAllText(path, Authority.ExportCertificatePem());
        return path;
    }
}
