namespace MLflow.Server.Ui.List;

/// <summary>The feedback that a row shows.</summary>
public sealed record RowFeedback(string Name, string Value, bool IsBad);
