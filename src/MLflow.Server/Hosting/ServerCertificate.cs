using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace MLflow.Server.Hosting;

/// <summary>The certificate of TLS, from PEM files or a PFX. It is read again when a file has changed; where that fails, the one before stays.</summary>
internal sealed partial class ServerCertificate
{
    private readonly string _path;
    private readonly string? _keyPath;
    private readonly string? _password;
    private readonly Lock _gate = new();
    private (DateTime Certificate, DateTime Key) _written;
    private SslStreamCertificateContext _context;

    private ServerCertificate(string path, string? keyPath, string? password)
    {
        _path = path;
        _keyPath = keyPath;
        _password = password;
        _written = Written();
        _context = Read();
    }

    /// <summary>Who hears of a file that cannot be read any more.</summary>
    public ILogger? Logger { get; set; }

    /// <param name="path">A PEM file with the certificate and those above it, or a PFX.</param>
    /// <param name="keyPath">A PEM file with the key; null where the first file has it, too.</param>
    /// <param name="password">Of the key or the PFX; null for none.</param>
    /// <exception cref="Exception">IOException, UnauthorizedAccessException, CryptographicException or ArgumentException: <see cref="IsUnreadable"/>.</exception>
    public static ServerCertificate Load(string path, string? keyPath, string? password) => new(path, keyPath, password);

    public static bool IsUnreadable(Exception exception) => exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or NotSupportedException;

    public void Use(ListenOptions listen) => listen.UseHttps(new TlsHandshakeCallbackOptions
    {
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Current(),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        }),
    });

    // At each handshake: two looks at the file system cost little beside it, and no watcher can miss a change.
    private SslStreamCertificateContext Current()
    {
        lock (_gate)
        {
            var written = Written();
            if (written == _written)
            {
                return _context;
            }

            _written = written;
            try
            {
                _context = Read();
            }
            catch (Exception e) when (IsUnreadable(e))
            {
                // Perhaps half of it is written yet; the other half will be a change again.
                if (Logger is { } logger)
                {
                    LogStays(logger, e.Message);
                }
            }

            return _context;
        }
    }

    private (DateTime Certificate, DateTime Key) Written() => (File.GetLastWriteTimeUtc(_path), _keyPath is null ? default : File.GetLastWriteTimeUtc(_keyPath));

    private SslStreamCertificateContext Read()
    {
        var chain = new X509Certificate2Collection();
        X509Certificate2 certificate;
        if (IsPem())
        {
            chain.ImportFromPemFile(_path);
            using var pem = _password is null
                ? X509Certificate2.CreateFromPemFile(_path, _keyPath)
                : X509Certificate2.CreateFromEncryptedPemFile(_path, _password, _keyPath);

            // Windows can serve no key that exists in memory alone.
            certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        }
        else
        {
            chain = X509CertificateLoader.LoadPkcs12CollectionFromFile(_path, _password);
            certificate = chain.FirstOrDefault(one => one.HasPrivateKey) ?? throw new CryptographicException("it has no private key");
        }

        chain.Remove(chain.FirstOrDefault(one => one.Thumbprint == certificate.Thumbprint) ?? certificate);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    private bool IsPem() => _keyPath is not null || File.ReadAllText(_path).Contains("-----BEGIN ", StringComparison.Ordinal);

    [LoggerMessage(LogLevel.Warning, "The changed TLS certificate cannot be read, and the one before is used on: {Reason}")]
    private static partial void LogStays(ILogger logger, string reason);
}
