namespace MLflow.Server.Ui.Spans;

/// <summary>A line of a time ruler.</summary>
/// <param name="Left">Percent of the ruler's width.</param>
/// <param name="Label">The figure at the line; the last one carries the unit.</param>
public sealed record RulerTick(double Left, string Label);
