namespace MLflow.Server.Ui.Streaming;

/// <summary>A bar of a stream chart, in percent of its width and height.</summary>
/// <param name="Left">Percent.</param>
/// <param name="Width">Percent.</param>
/// <param name="Height">Percent.</param>
/// <param name="IsStall">True for a pause.</param>
public sealed record StreamBar(double Left, double Width, double Height, bool IsStall);
