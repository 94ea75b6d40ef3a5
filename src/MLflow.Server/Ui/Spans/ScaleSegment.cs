namespace MLflow.Server.Ui.Spans;

/// <summary>A stretch of time and the part of the ruler that it takes.</summary>
/// <param name="FromMs">Milliseconds from the start of the trace.</param>
/// <param name="ToMs">Milliseconds from the start of the trace.</param>
/// <param name="Left">Percent of the ruler.</param>
/// <param name="Right">Percent of the ruler.</param>
/// <param name="IsIdle">True where nothing happened for so long that it is squeezed.</param>
public sealed record ScaleSegment(double FromMs, double ToMs, double Left, double Right, bool IsIdle);
