using System.Buffers;
using System.Text;

namespace MLflow;

/// <summary>Collects the chunks of a stream, up to limits in number and bytes.</summary>
internal ref struct ChunkLogBuilder
{
    private readonly StreamLimits _limits;
    private readonly int _maxBytes;
    private List<byte[]>? _blocks;
    private int _used;
    private int _length;
    private ChunkEntry[]? _entries;
    private int _count;
    private int _total;
    private int _trimmed;
    private bool _isFull;
    private string? _lastType;

    /// <param name="limits">How much is kept.</param>
    /// <param name="bodyBytes">Upper bound of the bytes of all chunks.</param>
    public ChunkLogBuilder(StreamLimits limits, int bodyBytes)
    {
        _limits = limits;
        _maxBytes = Math.Min(bodyBytes, limits.MaxChunkEventBytes);
    }

    /// <summary>False where no chunk has a member that is called <c>type</c>. To look for it in all of them at once costs less.</summary>
    public bool MayHaveTypes { get; init; } = true;

    /// <summary>False where no chunk has a vector.</summary>
    public bool MayHaveVectors { get; init; } = true;

    public void Add(ReadOnlySpan<byte> data, ReadOnlySpan<byte> eventName, long timeNs, bool isJson)
    {
        _total++;
        if (isJson && _limits.TrimsMedia && (MayHaveVectors || data.Length > MediaTrimmer.MaxTextBytes))
        {
            var whole = data.Length;
            data = MediaTrimmer.Trim(data, "", null);
            _trimmed += data.Length < whole ? 1 : 0;
        }

        if (_isFull || _count >= _limits.MaxChunkEvents || _length + data.Length > _maxBytes)
        {
            // The first ones without a gap, so that an event's number is the chunk's.
            _isFull = true;
            return;
        }

        _blocks ??= [];
        if (_blocks.Count == 0 || _blocks[^1].Length - _used < data.Length)
        {
            _blocks.Add(data.Length > ChunkLog.BlockBytes ? new byte[data.Length] : ChunkLog.Blocks.Rent(Math.Max(data.Length, Math.Min(ChunkLog.BlockBytes, _maxBytes - _length))));
            _used = 0;
        }

        _entries ??= ArrayPool<ChunkEntry>.Shared.Rent(64);
        if (_count == _entries.Length)
        {
            var larger = ArrayPool<ChunkEntry>.Shared.Rent(_count * 2);
            _entries.CopyTo(larger, 0);
            ArrayPool<ChunkEntry>.Shared.Return(_entries, clearArray: true);
            _entries = larger;
        }

        data.CopyTo(_blocks[^1].AsSpan(_used));
        _entries[_count++] = new ChunkEntry(_blocks.Count - 1, _used, data.Length, timeNs, TypeOf(eventName, data, isJson), isJson);
        _used += data.Length;
        _length += data.Length;
    }

    public ChunkLog? Build()
    {
        if (_total == 0)
        {
            return null;
        }

        return new ChunkLog(_blocks ?? [], _entries ?? [], _count, _total) { Trimmed = _trimmed };
    }

    /// <summary>The Responses API says the type twice, on the event's line and in its data; that of the data is enough. That a line is missing must be told, or the stream could not be written out again.</summary>
    private string? TypeOf(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> data, bool isJson)
    {
        if (eventName.IsEmpty)
        {
            return MayHaveTypes && isJson && JsonText.HasType(data) ? "" : null;
        }

        if (isJson && JsonText.TypeEquals(data, eventName))
        {
            return null;
        }

        if (_lastType is null || !Encoding.UTF8.GetString(eventName).Equals(_lastType, StringComparison.Ordinal))
        {
            _lastType = Encoding.UTF8.GetString(eventName);
        }

        return _lastType;
    }
}
