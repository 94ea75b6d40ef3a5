namespace MLflow;

/// <summary>One chunk of a <see cref="ChunkLog"/>.</summary>
/// <param name="Block">Number of the log's block that has its data.</param>
/// <param name="Offset">Where its data begin in the block.</param>
/// <param name="Length">Bytes of its data.</param>
/// <param name="TimeNs">When it came, nanoseconds since the Unix epoch.</param>
/// <param name="EventType">Value of its <c>event:</c> line where the data do not say the same as <c>type</c>; else null.</param>
/// <param name="IsJson">True when the data are a JSON object.</param>
internal readonly record struct ChunkEntry(int Block, int Offset, int Length, long TimeNs, string? EventType, bool IsJson);
