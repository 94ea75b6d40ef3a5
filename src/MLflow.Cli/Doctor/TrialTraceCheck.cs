using Microsoft.Extensions.Logging.Abstractions;
using static MLflow.Cli.Doctor.CheckOutcome;

namespace MLflow.Cli.Doctor;

/// <summary>Sends a trace, reads it back, and deletes it.</summary>
internal static class TrialTraceCheck
{
    private const string Check = "trace";

    public static CheckResult Skip => new(Check, Skipped, "what comes before it must work first");

    public static async Task<CheckResult> RunAsync(string uri, ExperimentChoice experiment, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = new MlflowClient(new MlflowClientOptions
            {
                TrackingUri = uri,
                Experiment = experiment.Name,
                ExperimentId = experiment.Name is null ? experiment.Id : null,
                SpoolDirectory = "none",
                LoggerFactory = NullLoggerFactory.Instance,
            });
            string traceId;
            using (var span = client.StartSpan("mlflow doctor"))
            {
                traceId = span.TraceId;
            }

            var flushed = await client.FlushAsync(cancellationToken);
            if (flushed.Exported != 1)
            {
                return new CheckResult(Check, Failed, $"a trial trace was not taken: {flushed.LastError ?? "it still waits"}; look at the server's log");
            }

            var stored = await client.GetTraceAsync(traceId, cancellationToken);
            if (stored.Spans.Count != 1)
            {
                return new CheckResult(Check, Failed, $"the trial trace {traceId} was taken, but has {stored.Spans.Count} spans when it is read; look at the server's log");
            }

            return await DeleteAsync(client, stored, cancellationToken)
                ? new CheckResult(Check, Ok, "a trial trace was stored, read back and deleted")
                : new CheckResult(Check, Warning, $"a trial trace was stored and read back, but could not be deleted: {traceId}");
        }
        catch (Exception e) when (e is MlflowException or ArgumentException)
        {
            return new CheckResult(Check, Failed, $"a trial trace did not come back: {e.Message}");
        }
    }

    private static async Task<bool> DeleteAsync(MlflowClient client, TraceRecord stored, CancellationToken cancellationToken)
    {
        try
        {
            return stored.ExperimentId is { } id && await client.DeleteTracesAsync(id, [stored.TraceId], cancellationToken) == 1;
        }
        catch (MlflowException)
        {
            // Whoever may write need not be allowed to delete.
            return false;
        }
    }
}
