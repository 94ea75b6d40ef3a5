namespace MLflow.Server.Ui.Streaming;

/// <summary>A chunk of a stream.</summary>
/// <param name="Index">The number that it was recorded under, from 0.</param>
/// <param name="AtMs">Milliseconds from the start of the span.</param>
/// <param name="GapMs">Milliseconds since the chunk before; for the first, since the start.</param>
/// <param name="Kind">What it brought.</param>
/// <param name="Text">The text that it brought, or words for what else it did.</param>
/// <param name="Bytes">Size of its JSON as UTF-8.</param>
public sealed record StreamChunk(int Index, double AtMs, double GapMs, ChunkKind Kind, string Text, int Bytes)
{
    public bool HasTokens => Kind is ChunkKind.Text or ChunkKind.ToolCall or ChunkKind.Reasoning or ChunkKind.Refusal;
}
