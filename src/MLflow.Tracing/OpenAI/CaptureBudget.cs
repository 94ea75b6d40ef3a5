using System.Buffers;

namespace MLflow;

/// <summary>
/// Memory that captured bodies may hold at one time: under way, waiting for a retry, waiting to be parsed. Above it bodies are cut and their spans say so.
/// </summary>
internal sealed class CaptureBudget
{
    public const long DefaultBytes = 128L << 20;

    // Pools of its own: calls wait for company before they are parsed, and then hold more segments than the shared pool keeps.
    private const int KeptArrays = 256;
    private const int LargestKept = 64 << 10;

    private readonly ArrayPool<byte> _segments = ArrayPool<byte>.Create(LargestKept, KeptArrays);
    private readonly long _limit;
    private long _held;

    public CaptureBudget(long limit = DefaultBytes) => _limit = limit;

    public ArrayPool<BodyMark> Marks { get; } = ArrayPool<BodyMark>.Create(LargestKept, KeptArrays);

    public long Held => Interlocked.Read(ref _held);

    public byte[] Rent(int length) => PoolFor(length).Rent(length);

    public void Return(byte[] segment) => PoolFor(segment.Length).Return(segment);

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

    private ArrayPool<byte> PoolFor(int length) => length <= LargestKept ? _segments : ArrayPool<byte>.Shared;
}
