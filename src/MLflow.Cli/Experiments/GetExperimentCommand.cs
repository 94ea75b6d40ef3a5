using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Experiments;

/// <summary><c>mlflow experiments get</c></summary>
internal sealed class GetExperimentCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string?> _id = ExperimentOptions.OptionalId();
    private readonly Option<string?> _name = ExperimentOptions.OptionalName();
    private readonly Option<OutputFormat> _output = OutputOption.Create();

    public GetExperimentCommand()
        : base("get", "Shows one experiment, by its id or its name.")
    {
        Add(_id);
        Add(_name);
        Add(_output);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var client = _tracking.Connect(parsed);
        var experiment = (parsed.GetValue(_id), parsed.GetValue(_name)) switch
        {
            ({ } id, null) => await client.GetExperimentAsync(id, cancellationToken),
            (null, { } name) => await client.GetExperimentByNameAsync(name, cancellationToken)
                ?? throw new CommandException($"the server has no experiment named '{name}'"),
            _ => throw CommandException.WrongUse("give either --experiment-id or --experiment-name"),
        };
        if (parsed.GetValue(_output) == OutputFormat.Table)
        {
            await ExperimentOutput.WriteTableAsync([experiment]);
        }
        else
        {
            await StandardOutput.WriteJsonAsync(json => ExperimentOutput.Write(json, experiment), cancellationToken);
        }

        return 0;
    }
}
