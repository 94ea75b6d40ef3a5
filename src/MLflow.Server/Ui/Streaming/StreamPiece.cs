namespace MLflow.Server.Ui.Streaming;

/// <summary>A piece of the text of a stream, or a pause in it.</summary>
/// <param name="Chunk">Position of its chunk among the chunks.</param>
/// <param name="Text">The text; empty for a pause.</param>
/// <param name="Kind">Of its chunk.</param>
/// <param name="IsStrong">True between the marks of strong emphasis, which are left out.</param>
/// <param name="StallMs">Milliseconds of a pause, otherwise null.</param>
public sealed record StreamPiece(int Chunk, string Text, ChunkKind Kind, bool IsStrong, double? StallMs = null);
