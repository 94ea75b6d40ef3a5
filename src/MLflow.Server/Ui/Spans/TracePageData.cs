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
        try
        {
            var infos = await traces.GetInfosAsync([traceId], cancellationToken);
            return infos.Count == 0 ? new TracePageData { Info = null } : new TracePageData
            {
                Info = infos[0],
                Experiment = await experiments.GetAsync(infos[0].ExperimentId, cancellationToken),
                Spans = await traces.GetSpansAsync(traceId, cancellationToken),
            };
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
        {
            // What somebody may not see is not there for them.
            return new TracePageData { Info = null };
        }
    }
}
