using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Experiments;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Traces;

/// <summary><c>mlflow traces delete</c></summary>
internal sealed class DeleteTracesCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Confirmation _confirmation = new();
    private readonly Option<string?> _experimentId = ExperimentOptions.OptionalId();
    private readonly Option<string[]> _traceIds = new("--trace-ids") { Description = "Ids of the traces; with commas, or given several times.", HelpName = "IDS" };
    private readonly Option<long?> _until = new("--max-timestamp-millis") { Description = "Those that began at this time or before, in milliseconds since 1970.", HelpName = "MS" };
    private readonly Option<int?> _maxTraces = new("--max-traces") { Description = "At most so many, the oldest first; with --max-timestamp-millis.", HelpName = "N" };

    public DeleteTracesCommand()
        : base("delete", "Deletes traces with all that belongs to them. This cannot be undone.")
    {
        _experimentId.Description = "The experiment that they lie in. Without it: MLFLOW_EXPERIMENT_ID.";
        Add(_experimentId);
        Add(_traceIds);
        Add(_until);
        Add(_maxTraces);
        _confirmation.AddTo(this);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var experimentId = parsed.GetValue(_experimentId)
            ?? (Environment.GetEnvironmentVariable("MLFLOW_EXPERIMENT_ID") is { Length: > 0 } id ? id : throw CommandException.WrongUse("which experiment? Give --experiment-id"));
        string[] ids = [.. (parsed.GetValue(_traceIds) ?? []).SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Distinct()];
        var until = parsed.GetValue(_until);
        var maxTraces = parsed.GetValue(_maxTraces);
        if (ids.Length > 0 == until is not null)
        {
            throw CommandException.WrongUse("give either --trace-ids or --max-timestamp-millis");
        }

        if (maxTraces is not null && until is null)
        {
            throw CommandException.WrongUse("--max-traces goes with --max-timestamp-millis");
        }

        await using var client = _tracking.Connect(parsed);
        var what = until is { } ms ? $"the traces until {Time(ms):u}{(maxTraces is { } max ? $" ({max} at most)" : "")}" : ids.Length == 1 ? $"trace {ids[0]}" : $"{ids.Length} traces";
        if (!await _confirmation.AskAsync(parsed, $"Delete {what} of experiment {experimentId}? This cannot be undone.", cancellationToken))
        {
            return ExitCodes.Failed;
        }

        var deleted = until is { } time
            ? await client.DeleteTracesUntilAsync(experimentId, Time(time), maxTraces, cancellationToken)
            : await client.DeleteTracesAsync(experimentId, ids, cancellationToken);
        await Console.Out.WriteLineAsync($"Deleted {deleted} {(deleted == 1 ? "trace" : "traces")}");
        return 0;
    }

    private static DateTimeOffset Time(long ms)
    {
        try
        {
            return DateTimeOffset.FromUnixTimeMilliseconds(ms);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw CommandException.WrongUse($"--max-timestamp-millis {ms} is no time: it is milliseconds since 1970");
        }
    }
}
