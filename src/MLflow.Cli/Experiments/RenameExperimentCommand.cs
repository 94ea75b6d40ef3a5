using System.CommandLine;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Experiments;

/// <summary><c>mlflow experiments rename</c></summary>
internal sealed class RenameExperimentCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _id = ExperimentOptions.Id();
    private readonly Option<string> _newName = new("--new-name") { Description = "The new name.", HelpName = "NAME", Required = true };

    public RenameExperimentCommand()
        : base("rename", "Gives an experiment another name.")
    {
        Add(_id);
        Add(_newName);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var client = _tracking.Connect(parsed);
        var (id, name) = (parsed.GetRequiredValue(_id), parsed.GetRequiredValue(_newName));
        await client.RenameExperimentAsync(id, name, cancellationToken);
        await Console.Out.WriteLineAsync($"Experiment {id} is now named '{name}'");
        return 0;
    }
}
