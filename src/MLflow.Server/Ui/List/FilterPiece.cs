namespace MLflow.Server.Ui.List;

/// <summary>A piece of the filter's text, as it is coloured.</summary>
/// <param name="Text">As it is typed, blanks too.</param>
/// <param name="Css">Its class, or null.</param>
/// <param name="Chip">The number of the chip that says the same, or null.</param>
public sealed record FilterPiece(string Text, string? Css, int? Chip);
