using System.Net;

namespace MLflow.Server.Gateway;

/// <summary>The operator's proxy, for addresses with TLS only: it hears the name of a host, and sees neither key nor content.</summary>
internal sealed class UpstreamProxy : IWebProxy
{
    private readonly IWebProxy _inner;

    public UpstreamProxy(IWebProxy inner) => _inner = inner;

    public ICredentials? Credentials
    {
        get => _inner.Credentials;
        set => _inner.Credentials = value;
    }

    /// <summary>Without user and password, which come from <see cref="Credentials"/>: HttpClient names the address in its errors, and those are logged and recorded.</summary>
    public Uri? GetProxy(Uri destination) => destination.Scheme == Uri.UriSchemeHttps && !_inner.IsBypassed(destination) && _inner.GetProxy(destination) is { } proxy && proxy != destination
        ? new UriBuilder(proxy) { UserName = "", Password = "" }.Uri
        : null;

    public bool IsBypassed(Uri host) => GetProxy(host) is null;
}
