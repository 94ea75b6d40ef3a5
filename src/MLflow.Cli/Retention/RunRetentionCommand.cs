using System.CommandLine;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Retention;

/// <summary><c>mlflow retention run</c></summary>
internal sealed class RunRetentionCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Confirmation _confirmation = new();
    private readonly Option<string[]> _ids = new("--experiment-id", "-x") { Description = "Id of an experiment; may be given several times. Without it: all.", HelpName = "ID" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only says how many traces it would end." };

    public RunRetentionCommand()
        : base("run", "Deletes or archives now what has expired, or says how much that is. The server does it by itself every hour.")
    {
        Add(_ids);
        Add(_dryRun);
        _confirmation.AddTo(this);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (ids, isDryRun) = (parsed.GetValue(_ids) ?? [], parsed.GetValue(_dryRun));
        using var target = TrackingTarget.Connect(_tracking, parsed);
        if (!isDryRun && !await _confirmation.AskAsync(parsed, $"Delete or archive what has expired in {(ids.Length == 0 ? "all experiments" : $"experiment {string.Join(", ", ids)}")}?", cancellationToken))
        {
            return Commands.ExitCodes.Failed;
        }

        var answer = await new RetentionApi(target.Api).PostAsync(
            "retention/run",
            json =>
            {
                json.WriteBoolean("dry_run", isDryRun);
                json.WriteStartArray("experiment_ids");
                foreach (var id in ids)
                {
                    json.WriteStringValue(id);
                }

                json.WriteEndArray();
            },
            cancellationToken);
        await Console.Out.WriteLineAsync(RetentionOutput.Outcomes(answer));
        return 0;
    }
}
