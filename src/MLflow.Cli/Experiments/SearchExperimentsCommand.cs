using System.CommandLine;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Experiments;

/// <summary><c>mlflow experiments search</c></summary>
internal sealed class SearchExperimentsCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _view = new("--view", "-v") { Description = "active_only, deleted_only or all.", DefaultValueFactory = _ => "active_only", HelpName = "VIEW" };
    private readonly Option<string?> _filter = new("--filter-string") { Description = "MLflow's filter, for example: name LIKE 'weather%'", HelpName = "FILTER" };
    private readonly Option<string[]> _orderBy = new("--order-by") { Description = "For example: name ASC. May be given several times.", HelpName = "COLUMN" };
    private readonly Option<int?> _maxResults = new("--max-results") { Description = "At most so many. Without it: all.", HelpName = "N" };
    private readonly Option<OutputFormat> _output = OutputOption.Create();

    public SearchExperimentsCommand()
        : base("search", "Lists experiments.")
    {
        _view.AcceptOnlyFromAmong("active_only", "deleted_only", "all");
        Add(_view);
        Add(_filter);
        Add(_orderBy);
        Add(_maxResults);
        Add(_output);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var client = _tracking.Connect(parsed);
        var view = parsed.GetValue(_view);
        var options = new ExperimentSearchOptions
        {
            IncludeActive = view != "deleted_only",
            IncludeDeleted = view != "active_only",
            OrderBy = parsed.GetValue(_orderBy) ?? [],
            MaxResults = parsed.GetValue(_maxResults),
        };
        var found = new List<ExperimentRecord>();
        await foreach (var experiment in client.SearchExperimentsAsync(parsed.GetValue(_filter), options, cancellationToken))
        {
            found.Add(experiment);
        }

        if (parsed.GetValue(_output) == OutputFormat.Table)
        {
            await ExperimentOutput.WriteTableAsync(found);
        }
        else
        {
            await StandardOutput.WriteJsonAsync(
                json =>
                {
                    json.WriteStartArray();
                    found.ForEach(experiment => ExperimentOutput.Write(json, experiment));
                    json.WriteEndArray();
                },
                cancellationToken);
        }

        return 0;
    }
}
