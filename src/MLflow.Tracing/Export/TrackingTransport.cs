using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MLflow;

/// <summary>How tracking servers are connected to: what the environment says of certificates, under the names of MLflow's clients.</summary>
internal sealed class TrackingTransport
{
    private const string InsecureVariable = "MLFLOW_TRACKING_INSECURE_TLS";
    private const string AuthoritiesVariable = "MLFLOW_TRACKING_SERVER_CERT_PATH";
    private const string ClientVariable = "MLFLOW_TRACKING_CLIENT_CERT_PATH";

    private bool _isInsecure;
    private X509Certificate2Collection? _authorities;
    private X509Certificate2? _client;

    private TrackingTransport()
    {
    }

    /// <summary>Reads the environment.</summary>
    /// <exception cref="ArgumentException">Something in it is wrong; the message names all of it.</exception>
    public static TrackingTransport Read(Func<string, string?> variable)
    {
        var transport = new TrackingTransport();
        var mistakes = new List<string>();
        var insecure = variable(InsecureVariable);
        if (ReadBoolean(insecure) is { } isInsecure)
        {
            transport._isInsecure = isInsecure;
        }
        else
        {
            mistakes.Add($"{InsecureVariable} is '{insecure}', but must be true or false.");
        }

        if (variable(AuthoritiesVariable) is { Length: > 0 } authorities)
        {
            if (transport._isInsecure)
            {
                mistakes.Add($"{InsecureVariable} and {AuthoritiesVariable} contradict each other: set one of them.");
            }

            transport._authorities = Load(AuthoritiesVariable, authorities, mistakes, path =>
            {
                var certificates = new X509Certificate2Collection();
                certificates.ImportFromPemFile(path);
                return certificates.Count > 0 ? certificates : throw new CryptographicException("it holds no certificate in PEM form");
            });
        }

        if (variable(ClientVariable) is { Length: > 0 } client)
        {
            transport._client = Load(ClientVariable, client, mistakes, path => X509Certificate2.CreateFromPemFile(path));
        }

        return mistakes.Count == 0 ? transport : throw new ArgumentException(string.Join(' ', mistakes));
    }

    /// <summary>A client whose requests are never traced: no Activity, no <c>traceparent</c>, no diagnostic event.</summary>
    public HttpClient CreateClient(int connections) => CreateClient(CreateHandler(connections));

    /// <inheritdoc cref="CreateClient(int)"/>
    public static HttpClient CreateClient(HttpMessageHandler handler, bool disposeHandler = true) =>
        new(handler, disposeHandler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = TrackingHttp.MaxAnswerBytes };

    /// <summary>What is below <see cref="CreateClient(int)"/>.</summary>
    public SocketsHttpHandler CreateHandler(int connections)
    {
        var handler = new SocketsHttpHandler
        {
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = TrackingHttp.VersionTimeout,
            MaxConnectionsPerServer = connections,

            // So that a change of the server's address is seen.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            UseCookies = false,
        };
        if (_isInsecure)
        {
#pragma warning disable CA5359 // What the variable says.
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        if (_authorities is not null)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(_authorities);
        }

        if (_client is not null)
        {
            handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(_client, null, offline: true);
        }

        return handler;
    }

    private static bool? ReadBoolean(string? text) => text?.Trim().ToUpperInvariant() switch
    {
        null or "" or "FALSE" or "0" => false,
        "TRUE" or "1" => true,
        _ => null,
    };

    private static T? Load<T>(string variable, string path, List<string> mistakes, Func<string, T> load)
        where T : class
    {
        try
        {
            return load(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            mistakes.Add($"{variable} is '{path}', which cannot be read as certificates in PEM form: {e.Message.TrimEnd('.')}.");
            return null;
        }
    }
}
