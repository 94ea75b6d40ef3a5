using MLflow.Server.Experiments;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Mcp;

/// <summary>Reads what this server keeps, by the queries that REST has.</summary>
internal sealed class StoreToolSource : IToolSource
{
    private readonly ITraceStore _traces;
    private readonly IExperimentStore _experiments;
    private readonly ITraceAnalysis _analysis;

    public StoreToolSource(ITraceStore traces, IExperimentStore experiments, ITraceAnalysis analysis)
    {
        _traces = traces;
        _experiments = experiments;
        _analysis = analysis;
    }

    public Task<ExperimentPage> SearchExperimentsAsync(ExperimentQuery query, CancellationToken cancellationToken) => _experiments.SearchAsync(query, cancellationToken);

    public Task<Experiment?> FindExperimentAsync(long experimentId, CancellationToken cancellationToken) => _experiments.GetAsync(experimentId, cancellationToken);

    public Task<Experiment?> FindExperimentAsync(string name, CancellationToken cancellationToken) => _experiments.GetByNameAsync(name, cancellationToken);

    public Task<TracePage> SearchTracesAsync(TraceQuery query, CancellationToken cancellationToken) => _traces.SearchAsync(query, cancellationToken);

    public async Task<TraceInfo?> FindTraceAsync(string traceId, CancellationToken cancellationToken) =>
        (await _traces.GetInfosAsync([traceId], cancellationToken).ConfigureAwait(false)).SingleOrDefault();

    public Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken) => _traces.GetSpansAsync(traceId, cancellationToken);

    public Task<IReadOnlyList<MetricPoint>> QueryMetricsAsync(MetricQuery query, CancellationToken cancellationToken) => _analysis.QueryAsync(query, cancellationToken);
}
