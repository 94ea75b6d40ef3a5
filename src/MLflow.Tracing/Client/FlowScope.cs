namespace MLflow;

/// <summary>Sets something for an async flow until it is disposed.</summary>
internal sealed class FlowScope<T> : IDisposable
    where T : class
{
    private readonly AsyncLocal<T?> _flow;
    private readonly T? _previous;
    private readonly T _own;

    public FlowScope(AsyncLocal<T?> flow, T own)
    {
        _flow = flow;
        _previous = flow.Value;
        _own = own;
        flow.Value = own;
    }

    /// <summary>Restores what was set before. Out of order, or in another flow, it changes nothing.</summary>
    public void Dispose()
    {
        if (ReferenceEquals(_flow.Value, _own))
        {
            _flow.Value = _previous;
        }
    }
}
