namespace MLflow.Server.Traces.Analysis;

/// <summary>Asks what happened in an experiment over a time.</summary>
/// <param name="ExperimentId">The experiment.</param>
/// <param name="StartMs">Traces that began then or later, in milliseconds since the Unix epoch.</param>
/// <param name="BucketMs">Length of a piece of that time.</param>
/// <param name="Buckets">How many pieces; what began after the last is left out.</param>
public sealed record OverviewQuery(long ExperimentId, long StartMs, long BucketMs, int Buckets)
{
    /// <summary>Models and tools that are told, those with the most calls.</summary>
    public const int MaxGroups = 20;

    public long EndMs => StartMs + (BucketMs * Buckets);
}
