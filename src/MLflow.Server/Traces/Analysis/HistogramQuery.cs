namespace MLflow.Server.Traces.Analysis;

/// <summary>Asks how many traces of an experiment began in each piece of a time.</summary>
/// <param name="ExperimentId">The experiment.</param>
/// <param name="Filter">Of those that match; null or empty for all.</param>
/// <param name="StartMs">From then on, in milliseconds since the Unix epoch.</param>
/// <param name="BucketMs">Length of a piece.</param>
/// <param name="Buckets">How many pieces.</param>
internal sealed record HistogramQuery(long ExperimentId, string? Filter, long StartMs, long BucketMs, int Buckets)
{
    public long EndMs => StartMs + (BucketMs * Buckets);
}
