namespace MLflow.Server.Traces.Analysis;

/// <summary>Figures of the runs of one tool.</summary>
/// <param name="Tool">Its name.</param>
/// <param name="Calls">How often it ran.</param>
/// <param name="Failed">How often it failed.</param>
/// <param name="DurationP50">Milliseconds; null while all its runs go on.</param>
/// <param name="DurationP95">Milliseconds.</param>
public sealed record ToolFigures(string Tool, long Calls, long Failed, double? DurationP50, double? DurationP95);
