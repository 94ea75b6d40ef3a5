namespace MLflow.Server.Ui.Compare;

/// <summary>A message of one trace beside those of others.</summary>
/// <param name="Role">Who said it.</param>
/// <param name="Pieces">The text; beside that of the first trace with what differs.</param>
/// <param name="IsSame">True where it is that of the first trace.</param>
public sealed record ComparedMessage(string Role, IReadOnlyList<DiffPiece> Pieces, bool IsSame);
