namespace MLflow.Server.Ui.Overview;

/// <summary>One drawing in a lane.</summary>
/// <param name="Path">SVG path in the lane's coordinates.</param>
/// <param name="Css">What it is filled or drawn with.</param>
public sealed record OverviewShape(string Path, string Css);
