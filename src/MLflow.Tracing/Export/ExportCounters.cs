namespace MLflow;

/// <summary>
/// Counts each finished trace that was handed over in exactly one of exported, pending, spooled and dropped: accepted is their sum at all times.
/// A trace that lost some of its spans counts as dropped. Touched under the exporter's lock only.
/// </summary>
internal sealed class ExportCounters
{
    // Bounded: reasons are constants and HTTP statuses.
    private readonly Dictionary<string, long> _droppedBy = [];

    public long Accepted { get; private set; }

    public long Exported { get; private set; }

    /// <summary>As <see cref="Exported"/>, with traces that wait again because of a late span: it never goes back.</summary>
    public long EverExported { get; private set; }

    public long Pending { get; private set; }

    public long Dropped { get; private set; }

    /// <summary>Traces that wait on the disk.</summary>
    public long Spooled { get; private set; }

    /// <summary>Traces of earlier processes that were sent.</summary>
    public long Recovered { get; private set; }

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

        // One that is on the disk is counted by what is there.
        if (progress.State is not (ExportState.Dropped or ExportState.Spooled))
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

    /// <summary>Whether the last of so many exports of a trace, put on the disk, would stand for it: they are all of it that waits, and nothing of it was lost.</summary>
    public static bool Counts(ExportProgress progress, int exports) => progress is { State: ExportState.Pending, Lost: null } && progress.Waiting == exports;

    /// <summary>The export was put on the disk.</summary>
    /// <param name="progress">Of its trace.</param>
    /// <param name="counts">What <see cref="Counts"/> said when it was written.</param>
    public void Spool(ExportProgress progress, bool counts)
    {
        if (counts)
        {
            progress.Waiting--;
            Move(progress, ExportState.Spooled);
        }
        else
        {
            Settle(progress);
        }
    }

    /// <summary>A trace on the disk was sent or, with a reason, given up.</summary>
    public void Unspool(bool isOwn, string? dropped)
    {
        Spooled -= isOwn ? 1 : 0;
        if (!isOwn)
        {
            Recovered += dropped is null ? 1 : 0;
        }
        else if (dropped is null)
        {
            Exported++;
            EverExported++;
        }
        else
        {
            Dropped++;
            _droppedBy[dropped] = _droppedBy.GetValueOrDefault(dropped) + 1;
        }
    }

    /// <param name="unfinished">Traces that have begun and are not complete, which are pending too.</param>
    public FlushResult Read(long unfinished) => new()
    {
        Exported = Exported,
        Pending = Pending + unfinished,
        Dropped = Dropped,
        Spooled = Spooled,
        Recovered = Recovered,
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
            EverExported += progress.WasExported ? 0 : 1;
            progress.WasExported = true;
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
            case ExportState.Spooled:
                Spooled += change;
                break;
            default:
                break;
        }
    }
}
