namespace MLflow.Server.Ui.Chat;

/// <summary>The track of a tool call beside the main line, from the call to its result.</summary>
/// <param name="Number">The call's number, at both stations.</param>
/// <param name="FromRow">Grid row of the call.</param>
/// <param name="ToRow">Grid row of the result; null when none has come.</param>
/// <param name="Lane">0 is next to the main line.</param>
/// <param name="IsFailed">True when the tool failed.</param>
public sealed record Siding(int Number, int FromRow, int? ToRow, int Lane, bool IsFailed);
