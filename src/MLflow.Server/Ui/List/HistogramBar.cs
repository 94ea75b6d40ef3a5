namespace MLflow.Server.Ui.List;

/// <summary>A bar of a histogram.</summary>
/// <param name="Bucket">Which piece of time, from 0.</param>
/// <param name="Height">Of what did not fail; it stands on the failures.</param>
/// <param name="Failed">Of the failures.</param>
/// <param name="Title">In words.</param>
public sealed record HistogramBar(int Bucket, double Height, double Failed, string Title);
