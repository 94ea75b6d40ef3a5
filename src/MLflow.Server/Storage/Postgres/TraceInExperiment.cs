using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Postgres;

/// <param name="ExperimentId">Where the trace goes when it is new.</param>
/// <param name="Rows">Some spans of it.</param>
internal sealed record TraceInExperiment(long ExperimentId, TraceRows Rows);
