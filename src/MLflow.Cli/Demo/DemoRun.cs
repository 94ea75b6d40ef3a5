using System.ClientModel;
using MLflow.Cli.Commands;
using OpenAI.Chat;

namespace MLflow.Cli.Demo;

/// <summary>Runs the examples with automatic tracing on and reads their traces back from the server.</summary>
internal sealed class DemoRun(Uri server, ModelEndpoint model, DemoScreen screen)
{
    public const string Experiment = "openai-tracing-demo";

    /// <exception cref="CommandException">An example failed, or a trace is not stored as it must be.</exception>
    public async Task<IReadOnlyList<DemoTrace>> RunAsync(CancellationToken cancellationToken)
    {
        Mlflow.OpenAI.Autolog();
        Mlflow.SetTrackingUri(server.ToString());
        Mlflow.SetExperiment(Experiment);

        var client = new ChatClient(DemoExamples.Model, model.Credential, model.ClientOptions);
        var made = new List<(DemoExample Example, string TraceId)>();
        FlushResult flushed;
        try
        {
            foreach (var example in DemoExamples.All)
            {
                screen.ShowRunning(example);
                made.Add((example, await RunAsync(example, client, cancellationToken)));
            }
        }
        finally
        {
            // After a failure too: the server of this process stops next, and what is not sent by then would be complained about.
            flushed = await Mlflow.FlushAsync(cancellationToken);
        }

        if (flushed.Pending > 0 || flushed.Dropped > 0)
        {
            throw new CommandException($"{flushed.Pending} traces are not sent and {flushed.Dropped} are dropped; last error: {flushed.LastError ?? "none"}");
        }

        return await ReadBackAsync(made, cancellationToken);

        async Task<string> RunAsync(DemoExample example, ChatClient chat, CancellationToken token)
        {
            var before = Mlflow.GetLastActiveTraceId();
            try
            {
                await example.RunAsync(chat, token);
            }
            catch (ClientResultException e) when (e.Status != 0)
            {
                throw model.Explain(e);
            }
            catch (Exception e) when (e is ClientResultException or HttpRequestException || (e is AggregateException many && many.InnerExceptions.All(inner => inner is HttpRequestException or ClientResultException)))
            {
                throw model.ExplainUnreachable(e);
            }

            var id = Mlflow.GetLastActiveTraceId();
            return id is not null && id != before ? id : throw new CommandException($"the example \"{example.Name}\" left no trace.");
        }
    }

    private async Task<IReadOnlyList<DemoTrace>> ReadBackAsync(IReadOnlyList<(DemoExample Example, string TraceId)> made, CancellationToken cancellationToken)
    {
        using var tracking = new TrackingReader(server);
        var stored = await tracking.SearchAsync(Experiment, cancellationToken);
        var traces = new List<DemoTrace>();
        foreach (var (example, traceId) in made)
        {
            var info = stored.FirstOrDefault(trace => trace.TraceId == traceId)
                ?? throw new CommandException($"the trace {traceId} of the example \"{example.Name}\" is not in the experiment {Experiment}.");
            var spans = await tracking.CountSpansAsync(traceId, cancellationToken);
            if (info.State != example.State || spans < example.MinSpans)
            {
                throw new CommandException(
                    $"the trace {traceId} of the example \"{example.Name}\" is stored as {info.State} with {spans} spans instead of {example.State} with at least {example.MinSpans}.");
            }

            traces.Add(new DemoTrace(example.Name, info, spans));
        }

        return traces;
    }
}
