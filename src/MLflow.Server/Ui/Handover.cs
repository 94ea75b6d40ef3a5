using System.Diagnostics.CodeAnalysis;

namespace MLflow.Server.Ui;

/// <summary>
/// Hands what a page has read while prerendering to the circuit that takes the page over, so that nothing is read twice and the
/// page is never blank in between. What nobody takes is dropped: at most <see cref="Capacity"/> entries, each for <see cref="Life"/>.
/// </summary>
internal sealed class Handover
{
    private const int Capacity = 32;
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(20);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (object Value, long At)> _waiting = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private readonly TimeProvider _clock;

    public Handover(TimeProvider clock) => _clock = clock;

    /// <summary>Keeps a value and returns the key to take it with.</summary>
    public string Give(object value)
    {
        var key = Guid.NewGuid().ToString("N");
        lock (_lock)
        {
            while (_order.TryPeek(out var oldest) && (!_waiting.TryGetValue(oldest, out var entry) || _order.Count >= Capacity || _clock.GetElapsedTime(entry.At) > Life))
            {
                _waiting.Remove(_order.Dequeue());
            }

            _waiting[key] = (value, _clock.GetTimestamp());
            _order.Enqueue(key);
        }

        return key;
    }

    /// <summary>Takes a value; each can be taken once.</summary>
    public bool TryTake<T>(string? key, [NotNullWhen(true)] out T? value)
        where T : class
    {
        value = null;
        if (key is null)
        {
            return false;
        }

        lock (_lock)
        {
            if (_waiting.Remove(key, out var entry) && _clock.GetElapsedTime(entry.At) <= Life)
            {
                value = entry.Value as T;
            }
        }

        return value is not null;
    }
}
