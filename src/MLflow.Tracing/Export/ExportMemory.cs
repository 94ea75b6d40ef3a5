namespace MLflow;

/// <summary>
/// Where encoded spans wait. What waits as objects is copied by the garbage collector from generation to generation, at the expense of the program's
/// threads; bytes in a few blocks that are used again and again cost it nothing.
/// </summary>
internal sealed class ExportMemory
{
    /// <summary>A large object, which a collection never moves.</summary>
    public const int BlockSize = 256 << 10;

    // Four megabytes for bursts.
    private const int MaxSpare = 16;

    private readonly Lock _lock = new();
    private readonly Stack<ExportBlock> _spare = new();
    private ExportBlock? _open;
    private long _exports;

    /// <summary>Exports that live in it.</summary>
    public long Exports => Interlocked.Read(ref _exports);

    /// <summary>Copies the bytes.</summary>
    /// <returns>Where they are. The block must be released once.</returns>
    public (ExportBlock Block, int Offset) Keep(ReadOnlySpan<byte> bytes)
    {
        ExportBlock block;
        int offset;
        lock (_lock)
        {
            block = bytes.Length > BlockSize ? new ExportBlock(bytes.Length) : Open(bytes.Length);
            offset = block.Used;
            block.Used += bytes.Length;
            block.Exports++;
            _exports++;
        }

        bytes.CopyTo(block.Bytes.AsSpan(offset));
        return (block, offset);
    }

    public void Release(ExportBlock block)
    {
        lock (_lock)
        {
            _exports--;
            if (--block.Exports > 0)
            {
                return;
            }

            block.Used = 0;
            if (block.Bytes.Length == BlockSize && !ReferenceEquals(block, _open) && _spare.Count < MaxSpare)
            {
                _spare.Push(block);
            }
        }
    }

    private ExportBlock Open(int length)
    {
        if (_open is null || BlockSize - _open.Used < length)
        {
            _open = _spare.TryPop(out var spare) ? spare : new ExportBlock(BlockSize);
        }

        return _open;
    }
}
