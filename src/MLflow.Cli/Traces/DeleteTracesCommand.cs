using System.CommandLine;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Experiments;
using MLflow.Cli.Output;
using MLflow.Cli.Retention;
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

    private readonly Option<string?> _user = new("--user") { Description = "All traces of this user, in all experiments that you may edit, or in that of --experiment-id; kept and archived ones too.", HelpName = "USER" };
    private readonly Option<string?> _session = new("--session") { Description = "All traces of this session, likewise.", HelpName = "SESSION" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only says how many they are; with --user or --session." };

    public DeleteTracesCommand()
        : base("delete", "Deletes traces with all that belongs to them. This cannot be undone.")
    {
        _experimentId.Description = "The experiment that they lie in. Without it: MLFLOW_EXPERIMENT_ID.";
        Add(_experimentId);
        Add(_traceIds);
        Add(_until);
        Add(_maxTraces);
        Add(_user);
        Add(_session);
        Add(_dryRun);
        _confirmation.AddTo(this);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_user) is not null || parsed.GetValue(_session) is not null)
        {
            return await DeleteOwnedAsync(parsed, cancellationToken);
        }

        if (parsed.GetValue(_dryRun))
        {
            throw CommandException.WrongUse("--dry-run goes with --user or --session");
        }

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

    private async Task<int> DeleteOwnedAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (user, session, experimentId) = (parsed.GetValue(_user), parsed.GetValue(_session), parsed.GetValue(_experimentId));
        if (user is not null && session is not null || parsed.GetValue(_traceIds) is { Length: > 0 } || parsed.GetValue(_until) is not null || parsed.GetValue(_maxTraces) is not null)
        {
            throw CommandException.WrongUse("give either --user or --session, and no traces or times with it");
        }

        using var target = TrackingTarget.Connect(_tracking, parsed);
        var api = new RetentionApi(target.Api);
        var counts = await CallAsync(isDryRun: true);
        var found = Sum(counts);
        var owner = user is not null ? $"user '{user}'" : $"session '{session}'";
        await Console.Out.WriteLineAsync($"{owner} has {found} {(found == 1 ? "trace" : "traces")} in {ApiJson.Items(counts, "experiments").Count()} experiments");
        if (parsed.GetValue(_dryRun) || found == 0)
        {
            return 0;
        }

        if (!await _confirmation.AskAsync(parsed, $"Delete the {found} traces of {owner}? This cannot be undone.", cancellationToken))
        {
            return ExitCodes.Failed;
        }

        await Console.Out.WriteLineAsync($"Deleted {Sum(await CallAsync(isDryRun: false))} traces");
        return 0;

        Task<JsonElement> CallAsync(bool isDryRun) => api.PostAsync(
            "traces/delete-by-owner",
            json =>
            {
                json.WriteString(user is not null ? "user" : "session", user ?? session);
                json.WriteBoolean("dry_run", isDryRun);
                if (experimentId is not null)
                {
                    json.WriteStartArray("experiment_ids");
                    json.WriteStringValue(experimentId);
                    json.WriteEndArray();
                }
            },
            cancellationToken);

        static long Sum(JsonElement answer) => ApiJson.Items(answer, "experiments").Sum(count => ApiJson.Member(count, "traces")?.GetInt64() ?? 0);
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
