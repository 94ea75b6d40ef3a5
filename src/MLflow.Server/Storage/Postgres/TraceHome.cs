namespace MLflow.Server.Storage.Postgres;

/// <param name="TraceId">A stored trace.</param>
/// <param name="Bucket">Where its spans are (<see cref="TraceBucket"/>).</param>
/// <param name="ExperimentId">Its experiment.</param>
internal readonly record struct TraceHome(string TraceId, DateOnly Bucket, long ExperimentId);
