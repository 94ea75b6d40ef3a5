namespace MLflow;

/// <summary>One item of a streamed response's output.</summary>
internal sealed class ResponseItemMerge
{
    public ResponseItemMerge(int index, byte[] id)
    {
        Index = index;
        Id = id;
    }

    /// <summary>Place in the output.</summary>
    public int Index { get; }

    /// <summary>The item's id; empty while it is not known.</summary>
    public byte[] Id { get; set; }

    /// <summary>The item as far as it came.</summary>
    public MergedValue Value { get; } = new();

    /// <summary>True when the item came whole.</summary>
    public bool IsDone { get; set; }

    /// <summary>True when content of the item came.</summary>
    public bool HasContent { get; set; }

    /// <summary>The part of a list of the item, with its type where it is new.</summary>
    public MergedValue Part(ReadOnlySpan<byte> list, int index, ReadOnlySpan<byte> rawType)
    {
        var part = Value.Member(list).Element(Math.Max(index, 0));
        if (part.IsEmpty)
        {
            part.Member("type"u8).Set(rawType);
        }

        return part;
    }
}
