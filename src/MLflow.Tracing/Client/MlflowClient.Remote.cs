namespace MLflow;

/// <content>Traces that go through several processes.</content>
public sealed partial class MlflowClient
{
    /// <summary>
    /// The headers that let another process continue the current trace: <c>traceparent</c> (W3C Trace Context) and, if asked for, <c>baggage</c> with the trace's session and user
    /// (W3C Baggage, members <c>mlflow.trace.session</c> and <c>mlflow.trace.user</c>). Empty where there is no current span or its trace is not recorded.
    /// </summary>
    /// <remarks>
    /// A trace that is only kept if it fails or takes long (<see cref="MlflowClientOptions.KeepErrors"/>) is told as not recorded, and other processes record nothing of it.
    /// </remarks>
    /// <param name="withBaggage">Whether the receiver may know session and user. It needs them only for what it does beyond this trace.</param>
    public IReadOnlyDictionary<string, string> GetTraceContext(bool withBaggage = false)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (GetCurrentActiveSpan() is { } span)
        {
            headers.Add(RemoteContext.TraceParentHeader, RemoteContext.WriteParent(span));
            if (withBaggage && RemoteContext.WriteBaggage(span.Trace) is { } baggage)
            {
                headers.Add(RemoteContext.BaggageHeader, baggage);
            }
        }

        return headers;
    }

    /// <summary>Puts the headers of <see cref="GetTraceContext"/> on a request. Another <c>traceparent</c> is replaced, other baggage stays.</summary>
    /// <param name="request">A request that was not sent yet.</param>
    /// <param name="withBaggage">Whether the receiver may know session and user.</param>
    public void AddTraceContext(HttpRequestMessage request, bool withBaggage = false)
    {
        ArgumentNullException.ThrowIfNull(request);
        foreach (var (name, value) in GetTraceContext(withBaggage))
        {
            if (name == RemoteContext.TraceParentHeader)
            {
                request.Headers.Remove(name);
            }

            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>
    /// Continues the trace of another process in this async flow, and in what it starts, until the result is disposed: spans that would begin a trace belong below the span that
    /// <paramref name="traceparent"/> names. What is said of the trace as a whole (tags, session, state) is its own process's to say.
    /// </summary>
    /// <remarks>
    /// Whether it is recorded is decided where it began. Both processes must trace to the same server and experiment. Servers that take no spans by OTLP (MLflow before 3.6) take no such parts
    /// of traces: they are dropped, and counted.
    /// </remarks>
    /// <param name="traceparent">The header's value. Null, or what is no such value (which is warned of): traces begin here as always.</param>
    /// <param name="baggage">The value of the <c>baggage</c> header; session and user in it are those of traces that begin here. Null: none.</param>
    public IDisposable UseTraceContext(string? traceparent, string? baggage = null)
    {
        Tracer.WatchFlow();
        return Tracer.UseRemote(RemoteContext.Read(traceparent, baggage, Log));
    }
}
