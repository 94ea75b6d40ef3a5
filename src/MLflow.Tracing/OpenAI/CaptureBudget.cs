namespace MLflow;

/// <summary>
/// Memory that captured bodies may hold at one time: under way, waiting for a retry, waiting to be parsed. Above it bodies are cut and their spans say so.
/// </summary>
internal sealed class CaptureBudget
{
    public const long DefaultBytes = 128L << 20;

    private readonly long _limit;
    private long _held;

    public CaptureBudget(long limit = DefaultBytes) => _limit = limit;

    public long Held => Interlocked.Read(ref _held);

    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= _limit)
        {
            return true;
        }

        Interlocked.Add(ref _held, -bytes);
        return false;
    }

    public void Return(int bytes) => Interlocked.Add(ref _held, -bytes);
}
