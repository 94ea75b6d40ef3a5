namespace MLflow;

/// <summary>What a recorder keeps of a stream besides the merged output.</summary>
/// <param name="MaxChunkEvents">Most chunks that become events.</param>
/// <param name="MaxChunkEventBytes">Most bytes of chunks that become events.</param>
internal readonly record struct StreamLimits(int MaxChunkEvents, int MaxChunkEventBytes);
