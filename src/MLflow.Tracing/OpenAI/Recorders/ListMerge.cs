using System.Buffers;

namespace MLflow;

/// <summary>"Merges" a stream of which nothing is known: its events as a list, as real MLflow records it.</summary>
internal sealed class ListMerge : IStreamMerge
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private int _count;

    public bool TryAdd(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> data, out bool hasContent)
    {
        hasContent = false;
        if (!JsonText.IsJsonObject(data))
        {
            return false;
        }

        hasContent = true;
        _buffer.Write(_count++ == 0 ? "["u8 : ","u8);
        _buffer.Write(data);
        return true;
    }

    public void Complete(RecordedFields fields)
    {
        if (_count > 0)
        {
            _buffer.Write("]"u8);
            fields.Outputs = JsonText.Body(_buffer.WrittenSpan, isJson: true);
        }
    }
}
