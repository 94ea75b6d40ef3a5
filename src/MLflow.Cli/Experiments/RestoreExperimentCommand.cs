using System.CommandLine;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Experiments;

/// <summary><c>mlflow experiments restore</c></summary>
internal sealed class RestoreExperimentCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _id = ExperimentOptions.Id();

    public RestoreExperimentCommand()
        : base("restore", "Brings a deleted experiment back.")
    {
        Add(_id);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var client = _tracking.Connect(parsed);
        var id = parsed.GetRequiredValue(_id);
        await client.RestoreExperimentAsync(id, cancellationToken);
        await Console.Out.WriteLineAsync($"Experiment {id} is restored");
        return 0;
    }
}
