using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Experiments;

/// <summary><c>mlflow experiments delete</c></summary>
internal sealed class DeleteExperimentCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Confirmation _confirmation = new();
    private readonly Option<string> _id = ExperimentOptions.Id();

    public DeleteExperimentCommand()
        : base("delete", "Marks an experiment as deleted; restore brings it back.")
    {
        Add(_id);
        _confirmation.AddTo(this);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var client = _tracking.Connect(parsed);
        var id = parsed.GetRequiredValue(_id);
        if (!await _confirmation.AskAsync(parsed, $"Delete experiment {id}?", cancellationToken))
        {
            return ExitCodes.Failed;
        }

        await client.DeleteExperimentAsync(id, cancellationToken);
        await Console.Out.WriteLineAsync($"Experiment {id} is deleted; mlflow experiments restore -x {id} brings it back");
        return 0;
    }
}
