namespace MLflow;

/// <summary>Sets something for an async flow until it is disposed.</summary>
internal sealed class FlowScope : IDisposable
{
    private readonly AsyncLocal<FlowSettings?> _flow;
    private readonly FlowSettings? _previous;
    private readonly FlowSettings _own;

    public FlowScope(AsyncLocal<FlowSettings?> flow, Func<FlowSettings, FlowSettings> change)
    {
        _flow = flow;
        _previous = flow.Value;
        _own = change(_previous ?? FlowSettings.None);
        flow.Value = _own;
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
