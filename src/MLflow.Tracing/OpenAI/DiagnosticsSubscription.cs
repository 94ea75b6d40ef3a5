using System.Diagnostics;

namespace MLflow;

/// <summary>
/// Listens to HttpClient's <see cref="DiagnosticListener"/>. Of its two pairs of events the older one (<c>Request</c>, <c>Response</c>) is used: to
/// enable <c>HttpRequestOut</c> would make HttpClient start an Activity and put <c>traceparent</c> on every request of the program. But HttpClient asks
/// with the request at hand whether to enable it, and what has been asked for is seen: the answer is no, and the event of the request, for which
/// HttpClient would make a random id, is not needed. It is where HttpClient does not ask, because an Activity is current.
/// </summary>
internal sealed class DiagnosticsSubscription : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string ListenerName = "HttpHandlerDiagnosticListener";
    private const string ActivityName = "System.Net.Http.HttpRequestOut";
    private const string RequestEvent = "System.Net.Http.Request";
    private const string ResponseEvent = "System.Net.Http.Response";
    private const string ExceptionEvent = "System.Net.Http.Exception";

    // Who saw the request that this thread is about to send when HttpClient asked about it. Set no longer than until HttpClient's next question.
    [ThreadStatic]
    private static DiagnosticsSubscription? _seenBy;

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
    private bool IsWanted(string name, object? first, object? second)
    {
        switch (name)
        {
            case ActivityName:
                if (first is HttpRequestMessage request)
                {
                    _seenBy = this;
                    See(request);
                }

                return false;
            case RequestEvent:
                var isSeen = ReferenceEquals(_seenBy, this);
                _seenBy = null;
                return !isSeen;
            default:
                return name is ResponseEvent or ExceptionEvent && _capture.IsInCall;
        }
    }

    /// <summary>Called within the program's own call: what is thrown here would reach it.</summary>
    private void See(HttpRequestMessage request)
    {
        try
        {
            _capture.OnRequest(request);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _capture.Failed(e);
        }
    }

    /// <summary>Called within the program's own call, as <see cref="See"/> is.</summary>
    public void OnNext(KeyValuePair<string, object?> value)
    {
        try
        {
            // The filter above is only advice: what any subscriber enables comes to all.
            switch (value.Key)
            {
                case RequestEvent:
                    _seenBy = null;
                    _capture.OnRequest(DiagnosticsPayload.RequestOfRequest(value.Value!));
                    break;
                case ExceptionEvent:
                    _capture.OnException(DiagnosticsPayload.RequestOfException(value.Value!), DiagnosticsPayload.ExceptionOfException(value.Value!));
                    break;
                case ResponseEvent:
                    _capture.OnResponse(
                        DiagnosticsPayload.ResponseOfResponse(value.Value!),
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
