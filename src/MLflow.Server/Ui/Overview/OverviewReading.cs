namespace MLflow.Server.Ui.Overview;

/// <summary>What a lane says of one piece of time.</summary>
/// <param name="Figure">In bold; empty where there is nothing to say.</param>
/// <param name="More">Under it.</param>
/// <param name="IsBad">True where <paramref name="More"/> tells of failures.</param>
public sealed record OverviewReading(string Figure, string More = "", bool IsBad = false);
