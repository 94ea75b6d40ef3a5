using System.Globalization;
using System.Text;

namespace MLflow;

/// <summary>
/// The chunks of a stream. They are events of a span, but an object with a name and attributes for each would take several times the memory of the
/// stream itself: their data lie one behind the other in a few blocks, and exporters write events straight from them. A block is small enough to be no
/// large object, which only a full collection would free.
/// </summary>
internal sealed class ChunkLog
{
    private static readonly string[] Names = new string[1024];
    private readonly byte[][] _blocks;
    private readonly ChunkEntry[] _entries;

    public ChunkLog(byte[][] blocks, ChunkEntry[] entries, int total)
    {
        _blocks = blocks;
        _entries = entries;
        Total = total;
    }

    /// <summary>Chunks of the stream, kept or not.</summary>
    public int Total { get; }

    /// <summary>Chunks that are kept: the first ones.</summary>
    public int Count => _entries.Length;

    /// <summary>Chunks of which media were left out.</summary>
    public int Trimmed { get; init; }

    /// <summary>Upper bound of the memory that the log keeps alive, in bytes.</summary>
    public int Size => _blocks.Sum(block => block.Length) + (_entries.Length * 40);

    public ChunkEntry this[int index] => _entries[index];

    public ReadOnlySpan<byte> DataOf(ChunkEntry entry) => _blocks[entry.Block].AsSpan(entry.Offset, entry.Length);

    /// <summary>Name of a chunk's event.</summary>
    public static string EventName(int index) => index < Names.Length
        ? Names[index] ??= AttributeNames.ChunkEventPrefix + index.ToString(CultureInfo.InvariantCulture)
        : AttributeNames.ChunkEventPrefix + index.ToString(CultureInfo.InvariantCulture);

    /// <summary>The events as objects, made anew at each call.</summary>
    public IEnumerable<SpanEvent> ToEvents()
    {
        for (var i = 0; i < _entries.Length; i++)
        {
            var entry = _entries[i];
            var data = DataOf(entry);
            var value = entry.IsJson ? AttributeValue.FromJson(data.ToArray()) : AttributeValue.FromString(Encoding.UTF8.GetString(data));
            yield return new SpanEvent(EventName(i), entry.TimeNs, entry.EventType is null
                ? [new(AttributeNames.ChunkValue, value)]
                : [new(AttributeNames.ChunkValue, value), new(AttributeNames.ChunkEventType, AttributeValue.FromString(entry.EventType))]);
        }
    }
}
