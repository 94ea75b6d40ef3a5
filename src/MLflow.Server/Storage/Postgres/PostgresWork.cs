using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <summary>A batch that waits to be written.</summary>
internal sealed class PostgresWork
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PostgresWork(TraceBatch batch, IReadOnlyList<TraceRows> traces, CallPricer pricer)
    {
        Pricer = pricer;
        Traces = [.. traces.Select(trace => new TraceInExperiment(batch.ExperimentOf(trace.TraceId), trace))];
        Infos = batch.Infos;
        PayloadBytes = traces.Sum(trace => trace.Spans.Sum(span => (long)span.Payload.Length));
    }

    public IReadOnlyList<TraceInExperiment> Traces { get; }

    public IReadOnlyList<TraceInfo> Infos { get; }

    public CallPricer Pricer { get; }

    public long PayloadBytes { get; }

    public IEnumerable<long> Experiments => Traces.Select(trace => trace.ExperimentId).Concat(Infos.Select(info => info.ExperimentId)).Distinct();

    public Task Completion => _completion.Task;

    /// <summary>Tells the caller that its batch is durable, or why it was refused.</summary>
    public void Complete(Exception? failure)
    {
        if (failure is null)
        {
            _completion.SetResult();
        }
        else
        {
            _completion.SetException(failure);
        }
    }
}
