namespace MLflow.Server.Storage.TextIndex;

/// <summary>What is known of a segment without reading its pages.</summary>
internal sealed record TextSegmentState
{
    /// <summary>Its number; newer ones have higher ones.</summary>
    public long SegmentId { get; init; }

    /// <summary>Places that were given out.</summary>
    public long Traces { get; init; }

    /// <summary>Places whose traces were there when the pages were written.</summary>
    public long Live { get; init; }

    public bool IsFull { get; init; }

    /// <summary>When the first of its traces began.</summary>
    public long MinTimeMs { get; init; } = long.MaxValue;

    /// <summary>When the last of them began.</summary>
    public long MaxTimeMs { get; init; } = long.MinValue;

    /// <summary>The one in which the next traces find room, when this is the last one.</summary>
    public static TextSegmentState Open(TextSegmentState? last) => last is { IsFull: false } ? last : new TextSegmentState { SegmentId = (last?.SegmentId ?? 0) + 1 };

    public long PlaceOf(long place) => (SegmentId << TextSegment.PlaceBits) + place;

    /// <summary>Whether so much of it is gone that the rest had better go into a new one with others.</summary>
    /// <param name="live">Places whose traces are there.</param>
    public bool IsSparse(int live) => IsFull && live <= Traces / 2;
}
