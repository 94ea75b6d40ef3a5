namespace MLflow.Server.Traces.Analysis;

/// <summary>How often a model was called, or a tool ran, in one piece of a time.</summary>
/// <param name="Name">The model's, or the tool's.</param>
/// <param name="Piece">The number of the piece, from 0: that in which the trace of the call began.</param>
/// <param name="Calls">How often.</param>
/// <param name="Failed">How often it failed.</param>
public sealed record PieceCalls(string Name, int Piece, long Calls, long Failed);
