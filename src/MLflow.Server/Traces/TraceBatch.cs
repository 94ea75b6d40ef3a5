namespace MLflow.Server.Traces;

/// <summary>What one request wants stored. It commits whole or not at all.</summary>
internal sealed record TraceBatch
{
    /// <summary>Spans of any number of traces, in the experiment that the request named.</summary>
    public IReadOnlyList<SpanRecord> Spans { get; init; } = [];

    /// <summary>Experiment of those <see cref="Spans"/> whose trace is new.</summary>
    public long ExperimentId { get; init; }

    /// <summary>By trace id, where it is another than <see cref="ExperimentId"/>.</summary>
    public IReadOnlyDictionary<string, long> TraceExperiments { get; init; } = new Dictionary<string, long>();

    /// <summary>Complete trace infos from StartTraceV3. They win over what was derived from spans.</summary>
    public IReadOnlyList<TraceInfo> Infos { get; init; } = [];

    public long ExperimentOf(string traceId) => TraceExperiments.GetValueOrDefault(traceId, ExperimentId);
}
