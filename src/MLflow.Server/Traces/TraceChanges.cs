using System.Collections.Concurrent;

namespace MLflow.Server.Traces;

/// <summary>
/// Tells those who wait that something has been stored, by this server or by another one of the same database. It is a hint and may get lost:
/// who waits looks from time to time all the same.
/// </summary>
internal sealed class TraceChanges
{
    /// <summary>As many as there are open pages.</summary>
    private readonly ConcurrentDictionary<TraceWatch, bool> _watches = new();

    /// <summary>Something was stored by this server.</summary>
    public event Action<TraceChange>? Stored;

    /// <summary>Waits for what <paramref name="concerns"/> says yes to, until it is disposed.</summary>
    public TraceWatch Watch(Predicate<TraceChange> concerns)
    {
        var watch = new TraceWatch(concerns, gone => _watches.TryRemove(gone, out _));
        _watches.TryAdd(watch, true);
        return watch;
    }

    /// <summary>Tells what this server has stored.</summary>
    public void Tell(TraceBatch batch)
    {
        if (!_watches.IsEmpty || Stored is not null)
        {
            var change = TraceChange.Of(batch);
            Pass(change);
            Stored?.Invoke(change);
        }
    }

    /// <summary>Tells those who wait here.</summary>
    public void Pass(TraceChange change)
    {
        foreach (var (watch, _) in _watches)
        {
            watch.Hear(change);
        }
    }
}
