using System.CommandLine;
using MLflow.Cli.Experiments;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Retention;

/// <summary><c>mlflow retention show</c></summary>
internal sealed class ShowRetentionCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _id = ExperimentOptions.Id();

    public ShowRetentionCommand()
        : base("show", "Says how long the traces of an experiment are kept, and what happens then.")
    {
        Add(_id);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var target = TrackingTarget.Connect(_tracking, parsed);
        await Console.Out.WriteLineAsync(RetentionOutput.Policy(await new RetentionApi(target.Api).GetAsync(parsed.GetRequiredValue(_id), cancellationToken)));
        return 0;
    }
}
