using System.CommandLine;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Traces;

/// <summary>The experiments that a command looks in: those that are named, else that of the environment, else the default one.</summary>
internal sealed class TraceExperimentOptionSet
{
    private readonly Option<string[]> _ids = new("--experiment-id", "-x") { Description = "Id of an experiment; may be given several times. In a Databricks workspace also catalog.schema. Without id and name: MLFLOW_EXPERIMENT_NAME, else MLFLOW_EXPERIMENT_ID, else 0.", HelpName = "ID" };
    private readonly Option<string[]> _names = new("--experiment-name", "-n") { Description = "Name of an experiment; may be given several times.", HelpName = "NAME" };

    public void AddTo(Command command)
    {
        command.Add(_ids);
        command.Add(_names);
    }

    /// <exception cref="CommandException">The server has no experiment of a name.</exception>
    public async Task<IReadOnlyList<string>> IdsAsync(ParseResult parsed, TrackingApi api, CancellationToken cancellationToken)
    {
        var (ids, names) = Read(parsed);
        if (api.Workspace is not null && ids is ["0"])
        {
            throw CommandException.WrongUse("which experiment? A Databricks workspace has no default one: give --experiment-name /Shared/… or --experiment-id");
        }

        var experiments = new ExperimentApi(api);
        foreach (var name in names)
        {
            var found = await experiments.FindAsync(name, cancellationToken) ?? throw new CommandException($"the server at {api.Address} has no experiment named '{name}'");
            ids.Add(found.ExperimentId);
        }

        return [.. ids.Distinct()];
    }

    private (List<string> Ids, IReadOnlyList<string> Names) Read(ParseResult parsed)
    {
        List<string> ids = [.. parsed.GetValue(_ids) ?? []];
        string[] names = parsed.GetValue(_names) ?? [];
        if (ids.Count > 0 || names.Length > 0)
        {
            return (ids, names);
        }

        return Environment.GetEnvironmentVariable("MLFLOW_EXPERIMENT_NAME") is { Length: > 0 } name
            ? ([], [name])
            : ([Environment.GetEnvironmentVariable("MLFLOW_EXPERIMENT_ID") is { Length: > 0 } id ? id : "0"], []);
    }
}
