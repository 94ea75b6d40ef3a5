namespace MLflow.Server.Ui.Compare;

/// <summary>A piece of a text beside another text.</summary>
/// <param name="Kind">What became of it.</param>
/// <param name="Text">The piece.</param>
public sealed record DiffPiece(DiffKind Kind, string Text);
