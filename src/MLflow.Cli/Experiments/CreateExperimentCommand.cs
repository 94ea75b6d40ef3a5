using System.CommandLine;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Experiments;

/// <summary><c>mlflow experiments create</c></summary>
internal sealed class CreateExperimentCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _name = new("--experiment-name", "-n") { Description = "Its name, which no other experiment has.", HelpName = "NAME", Required = true };
    private readonly Option<string?> _artifactLocation = new("--artifact-location", "-l") { Description = "Where its artifacts are to lie. Without it the server chooses.", HelpName = "URI" };
    private readonly Option<OutputFormat> _output = OutputOption.Create();

    public CreateExperimentCommand()
        : base("create", "Creates an experiment and says its id.")
    {
        Add(_name);
        Add(_artifactLocation);
        Add(_output);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var client = _tracking.Connect(parsed);
        var name = parsed.GetRequiredValue(_name);
        var id = await client.CreateExperimentAsync(name, parsed.GetValue(_artifactLocation), cancellationToken: cancellationToken);
        if (parsed.GetValue(_output) == OutputFormat.Table)
        {
            await Console.Out.WriteLineAsync($"Created experiment '{name}' with id {id}");
        }
        else
        {
            await StandardOutput.WriteJsonAsync(
                json =>
                {
                    json.WriteStartObject();
                    json.WriteString("experiment_id", id);
                    json.WriteEndObject();
                },
                cancellationToken);
        }

        return 0;
    }
}
