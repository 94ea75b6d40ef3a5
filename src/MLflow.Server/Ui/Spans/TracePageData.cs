using MLflow.Server.Experiments;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Spans;

/// <summary>What a trace page has read.</summary>
internal sealed record TracePageData
{
    /// <summary>Null when there is no such trace.</summary>
    public required TraceInfo? Info { get; init; }

    public Experiment? Experiment { get; init; }

    public IReadOnlyList<SpanRecord> Spans { get; init; } = [];

    public static async Task<TracePageData> ReadAsync(ITraceStore traces, IExperimentStore experiments, string traceId, CancellationToken cancellationToken)
    {
        var infos = await traces.GetInfosAsync([traceId], cancellationToken);
        if (infos.Count == 0)
        {
            return new TracePageData { Info = null };
        }

        return new TracePageData
        {
            Info = infos[0],
            Experiment = await experiments.GetAsync(infos[0].ExperimentId, cancellationToken),
            Spans = await traces.GetSpansAsync(traceId, cancellationToken),
        };
    }
}
