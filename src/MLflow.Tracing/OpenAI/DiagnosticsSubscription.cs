using System.Diagnostics;

namespace MLflow;

/// <summary>
/// Listens to HttpClient's <see cref="DiagnosticListener"/>. Of its two pairs of events the older one (<c>Request</c>, <c>Response</c>) is used: to
/// enable <c>HttpRequestOut</c> would make HttpClient start an Activity and put <c>traceparent</c> on every request of the program.
/// </summary>
internal sealed class DiagnosticsSubscription : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string ListenerName = "HttpHandlerDiagnosticListener";
    private const string RequestEvent = "System.Net.Http.Request";
    private const string ResponseEvent = "System.Net.Http.Response";
    private const string ExceptionEvent = "System.Net.Http.Exception";

    private readonly HttpCapture _capture;
    private readonly Lock _lock = new();
    private readonly IDisposable _listeners;
    private IDisposable? _events;
    private bool _isDisposed;

    public DiagnosticsSubscription(HttpCapture capture)
    {
        _capture = capture;
        _listeners = DiagnosticListener.AllListeners.Subscribe(this);
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name != ListenerName)
        {
            return;
        }

        lock (_lock)
        {
            if (!_isDisposed)
            {
                _events ??= value.Subscribe(this, IsWanted);
            }
        }
    }

    /// <summary>HttpClient asks in the flow of the request: for one that is none of ours it makes no event of the response.</summary>
    private bool IsWanted(string name) => name is RequestEvent || (name is ResponseEvent or ExceptionEvent && _capture.IsInCall);

    /// <summary>Called within the program's own call: what is thrown here would reach it.</summary>
    public void OnNext(KeyValuePair<string, object?> value)
    {
        try
        {
            // The filter above is only advice: what any subscriber enables comes to all.
            switch (value.Key)
            {
                case RequestEvent:
                    _capture.OnRequest(DiagnosticsPayload.RequestOfRequest(value.Value!), DiagnosticsPayload.IdOfRequest(value.Value!));
                    break;
                case ExceptionEvent:
                    _capture.OnException(DiagnosticsPayload.RequestOfException(value.Value!), DiagnosticsPayload.ExceptionOfException(value.Value!));
                    break;
                case ResponseEvent:
                    _capture.OnResponse(
                        DiagnosticsPayload.ResponseOfResponse(value.Value!),
                        DiagnosticsPayload.IdOfResponse(value.Value!),
                        DiagnosticsPayload.StatusOfResponse(value.Value!));
                    break;
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _capture.Failed(e);
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose()
    {
        // Both: disposing the outer subscription leaves the inner one alive.
        _listeners.Dispose();
        lock (_lock)
        {
            _isDisposed = true;
            _events?.Dispose();
        }
    }
}
