using System.Buffers;

namespace MLflow;

/// <summary>A captured body in one piece. The memory goes back to the pool on dispose.</summary>
internal sealed class CapturedBody : IDisposable
{
    public static readonly CapturedBody Empty = new([], 0, null, 0, null, 0);

    private readonly CaptureBudget? _budget;
    private readonly int _charged;
    private readonly int _length;
    private readonly int _markCount;
    private byte[]? _bytes;
    private BodyMark[]? _marks;

    public CapturedBody(byte[] pooledBytes, int length, BodyMark[]? pooledMarks, int markCount, CaptureBudget? budget, int charged)
    {
        _bytes = pooledBytes;
        _length = length;
        _marks = pooledMarks;
        _markCount = markCount;
        _budget = budget;
        _charged = charged;
    }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, _length);

    public Span<BodyMark> Marks => _marks.AsSpan(0, _markCount);

    public void Dispose()
    {
        if (ReferenceEquals(this, Empty))
        {
            return;
        }

        if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
        {
            if (_budget is null)
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
            else
            {
                _budget.Return(bytes);
                _budget.Return(_charged);
            }
        }

        if (Interlocked.Exchange(ref _marks, null) is { } marks)
        {
            (_budget?.Marks ?? ArrayPool<BodyMark>.Shared).Return(marks);
        }
    }
}
