using MLflow.Server.Experiments;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Mcp;

/// <summary>What the tools read: this server's stores, or another server by REST. It has nothing that writes, so no tool can.</summary>
/// <remarks>All throw <see cref="MlflowException"/> for what a caller did wrong, and where the other server cannot be asked.</remarks>
internal interface IToolSource
{
    Task<ExperimentPage> SearchExperimentsAsync(ExperimentQuery query, CancellationToken cancellationToken);

    /// <summary>The experiment, deleted ones too, or null.</summary>
    Task<Experiment?> FindExperimentAsync(long experimentId, CancellationToken cancellationToken);

    /// <summary>The experiment, deleted ones too, or null.</summary>
    Task<Experiment?> FindExperimentAsync(string name, CancellationToken cancellationToken);

    Task<TracePage> SearchTracesAsync(TraceQuery query, CancellationToken cancellationToken);

    /// <summary>The trace's facts, or null.</summary>
    Task<TraceInfo?> FindTraceAsync(string traceId, CancellationToken cancellationToken);

    /// <summary>All spans that have arrived; empty for an unknown trace.</summary>
    Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken);

    Task<IReadOnlyList<MetricPoint>> QueryMetricsAsync(MetricQuery query, CancellationToken cancellationToken);
}
