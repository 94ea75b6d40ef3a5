namespace MLflow;

/// <summary>An export that was read from the spool, where it stays until it is settled.</summary>
/// <param name="Segment">The file it is in.</param>
/// <param name="Offset">Where it begins in the file.</param>
/// <param name="Destination">Where it goes.</param>
/// <param name="Encoded">What is sent.</param>
/// <param name="SpanCount">Its spans.</param>
/// <param name="IsComplete">It has the facts of its trace.</param>
/// <param name="Counts">It stands for its trace in the counters.</param>
internal sealed record SpoolRecord(SpoolSegment Segment, long Offset, TraceDestination Destination, EncodedExport Encoded, int SpanCount, bool IsComplete, bool Counts);
