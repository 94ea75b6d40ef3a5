namespace MLflow;

/// <summary>
/// Counts each finished trace that was handed over in exactly one of exported, pending and dropped: accepted is their sum at all times.
/// A trace that lost some of its spans counts as dropped. Touched under the exporter's lock only.
/// </summary>
internal sealed class ExportCounters
{
    // Bounded: reasons are constants and HTTP statuses.
    private readonly Dictionary<string, long> _droppedBy = [];

    public long Accepted { get; private set; }

    public long Exported { get; private set; }

    public long Pending { get; private set; }

    public long Dropped { get; private set; }

    public string? LastError { get; set; }

    public void Accept(ExportProgress progress, bool isComplete)
    {
        progress.Waiting++;
        progress.IsComplete |= isComplete;
        if (!progress.IsComplete)
        {
            // Part of a trace that goes on: the trace is counted with its last part, and as unfinished until then.
            return;
        }

        if (progress.State == ExportState.None)
        {
            Accepted++;
        }

        if (progress.State != ExportState.Dropped)
        {
            Move(progress, ExportState.Pending);
        }
    }

    public void Sent(ExportProgress progress) => Settle(progress);

    public void Drop(ExportProgress progress, string reason)
    {
        progress.Lost ??= reason;
        Settle(progress);
    }

    /// <param name="unfinished">Traces that have begun and are not complete, which are pending too.</param>
    public FlushResult Read(long unfinished) => new()
    {
        Exported = Exported,
        Pending = Pending + unfinished,
        Dropped = Dropped,
        DroppedBy = new Dictionary<string, long>(_droppedBy),
        LastError = LastError,
    };

    private void Settle(ExportProgress progress)
    {
        progress.Waiting--;
        if (progress is not { State: ExportState.Pending, Waiting: 0 })
        {
            return;
        }

        if (progress.Lost is { } reason)
        {
            Move(progress, ExportState.Dropped);
            _droppedBy[reason] = _droppedBy.GetValueOrDefault(reason) + 1;
        }
        else
        {
            Move(progress, ExportState.Exported);
        }
    }

    private void Move(ExportProgress progress, ExportState state)
    {
        Count(progress.State, -1);
        Count(state, 1);
        progress.State = state;
    }

    private void Count(ExportState state, long change)
    {
        switch (state)
        {
            case ExportState.Pending:
                Pending += change;
                break;
            case ExportState.Exported:
                Exported += change;
                break;
            case ExportState.Dropped:
                Dropped += change;
                break;
            default:
                break;
        }
    }
}
