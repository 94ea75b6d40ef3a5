using Microsoft.AspNetCore.Http.Features;

namespace MLflow.Server.Gateway;

/// <summary>
/// Keeps the forwarder from ending a connection at once when an answer breaks off: what had come of it and is not sent yet would be lost, which the client would
/// have had from the model itself.
/// </summary>
internal sealed class HeldLifetime : IHttpRequestLifetimeFeature, IDisposable
{
    private readonly IFeatureCollection _features;
    private readonly IHttpRequestLifetimeFeature _inner;
    private readonly IHttpResetFeature? _reset;

    public HeldLifetime(HttpContext context)
    {
        _features = context.Features;
        _inner = _features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        _reset = _features.Get<IHttpResetFeature>();
        _features.Set<IHttpRequestLifetimeFeature>(this);
        _features.Set<IHttpResetFeature>(null);
    }

    public bool IsAborted { get; private set; }

    public CancellationToken RequestAborted
    {
        get => _inner.RequestAborted;
        set => _inner.RequestAborted = value;
    }

    public void Abort() => IsAborted = true;

    public void Dispose()
    {
        _features.Set(_inner);
        _features.Set(_reset);
    }
}
