using System.Buffers;
using System.Globalization;
using System.Text;

namespace MLflow;

/// <summary>
/// The chunks of a stream. They are events of a span, but an object with a name and attributes for each would take several times the memory of the
/// stream itself: their data lie one behind the other in a few blocks, and exporters write events straight from them. Its memory is pooled: one stream in
/// flight is more than all else that a call leaves to the garbage collector.
/// </summary>
internal sealed class ChunkLog
{
    private static readonly string[] Names = new string[1024];
    private readonly List<byte[]> _blocks;
    private readonly ChunkEntry[] _entries;

    /// <param name="blocks">Data of the chunks, from <see cref="Blocks"/>.</param>
    /// <param name="entries">The chunks, from the shared pool.</param>
    /// <param name="count">Chunks that are kept.</param>
    /// <param name="total">Chunks of the stream.</param>
    public ChunkLog(List<byte[]> blocks, ChunkEntry[] entries, int count, int total)
    {
        _blocks = blocks;
        _entries = entries;
        Count = count;
        Total = total;
    }

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = 32 << 10;

    /// <summary>The memory of the data. A chunk that is larger than a block has an array of its own.</summary>
    public static ArrayPool<byte> Blocks { get; } = ArrayPool<byte>.Create(BlockBytes, 64);

    /// <summary>Chunks of the stream, kept or not.</summary>
    public int Total { get; }

    /// <summary>Chunks that are kept: the first ones.</summary>
    public int Count { get; private set; }

    /// <summary>Chunks of which media were left out.</summary>
    public int Trimmed { get; init; }

    /// <summary>The data were taken out.</summary>
    public bool IsWithheld { get; private set; }

    /// <summary>Upper bound of the memory that the log keeps alive, in bytes.</summary>
    public int Size => _blocks.Sum(block => block.Length) + (Count * 40);

    public ChunkEntry this[int index] => _entries[index];

    public ReadOnlySpan<byte> DataOf(ChunkEntry entry) => _blocks[entry.Block].AsSpan(entry.Offset, entry.Length);

    public AttributeValue ValueOf(ChunkEntry entry) =>
        entry.IsJson ? AttributeValue.FromJson(DataOf(entry).ToArray()) : AttributeValue.FromString(Encoding.UTF8.GetString(DataOf(entry)));

    /// <summary>Puts a text in the place of all data. Number and times of the chunks stay.</summary>
    public void Withhold(string text)
    {
        IsWithheld = true;
        ReturnBlocks();
        var block = Blocks.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var length = Encoding.UTF8.GetBytes(text, block);
        _blocks.Add(block);
        foreach (ref var entry in _entries.AsSpan(0, Count))
        {
            entry = new ChunkEntry(0, 0, length, entry.TimeNs, null, IsJson: false);
        }
    }

    /// <summary>Gives the memory back; no chunk is left.</summary>
    public void Release()
    {
        Count = 0;
        ReturnBlocks();
        ArrayPool<ChunkEntry>.Shared.Return(_entries, clearArray: true);
    }

    /// <summary>Name of a chunk's event.</summary>
    public static string EventName(int index) => index < Names.Length
        ? Names[index] ??= AttributeNames.ChunkEventPrefix + index.ToString(CultureInfo.InvariantCulture)
        : AttributeNames.ChunkEventPrefix + index.ToString(CultureInfo.InvariantCulture);

    /// <summary>The events as objects, made anew at each call.</summary>
    public IEnumerable<SpanEvent> ToEvents()
    {
        for (var i = 0; i < Count; i++)
        {
            var entry = _entries[i];
            var value = ValueOf(entry);
            yield return new SpanEvent(EventName(i), entry.TimeNs, entry.EventType is null
                ? [new(AttributeNames.ChunkValue, value)]
                : [new(AttributeNames.ChunkValue, value), new(AttributeNames.ChunkEventType, AttributeValue.FromString(entry.EventType))]);
        }
    }

    private void ReturnBlocks()
    {
        foreach (var block in _blocks.Where(block => block.Length <= BlockBytes))
        {
            Blocks.Return(block);
        }

        _blocks.Clear();
    }
}
