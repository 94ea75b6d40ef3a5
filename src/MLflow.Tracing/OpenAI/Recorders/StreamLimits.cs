namespace MLflow;

/// <summary>What is kept of a stream besides the merged output.</summary>
/// <param name="MaxChunkEvents">Most chunks that become events.</param>
/// <param name="MaxChunkEventBytes">Most bytes of chunks that become events.</param>
/// <param name="TrimsMedia">True when large images, audio and files are shortened.</param>
internal readonly record struct StreamLimits(int MaxChunkEvents, int MaxChunkEventBytes, bool TrimsMedia = false)
{
    public static readonly StreamLimits None = new(int.MaxValue, int.MaxValue);
}
