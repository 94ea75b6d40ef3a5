using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Experiments;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Retention;

/// <summary><c>mlflow retention set</c></summary>
internal sealed class SetRetentionCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _id = ExperimentOptions.Id();
    private readonly Option<string?> _days = new("--days") { Description = "Days that a trace is kept after the server last heard of it, or forever.", HelpName = "DAYS|forever" };
    private readonly Option<string?> _action = new("--action") { Description = "What happens then: delete, or archive.", HelpName = "delete|archive" };
    private readonly Option<bool> _reset = new("--reset") { Description = "What the server's settings say holds again." };

    public SetRetentionCommand()
        : base("set", "Decides how long the traces of an experiment are kept.")
    {
        Add(_id);
        Add(_days);
        Add(_action);
        Add(_reset);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (id, days, action, isReset) = (parsed.GetRequiredValue(_id), parsed.GetValue(_days), parsed.GetValue(_action), parsed.GetValue(_reset));
        if (isReset == (days is not null || action is not null))
        {
            throw CommandException.WrongUse("give --days, --action or both, or --reset");
        }

        using var target = TrackingTarget.Connect(_tracking, parsed);
        var policy = await new RetentionApi(target.Api).PostAsync(
            "retention/set",
            json =>
            {
                json.WriteString("experiment_id", id);
                if (days is not null)
                {
                    json.WriteString("days", days);
                }

                if (action is not null)
                {
                    json.WriteString("action", action);
                }
            },
            cancellationToken);
        await Console.Out.WriteLineAsync(RetentionOutput.Policy(policy));
        return 0;
    }
}
