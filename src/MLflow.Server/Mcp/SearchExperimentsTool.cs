using System.Globalization;
using System.Text.Json;
using MLflow.Server.Experiments;

namespace MLflow.Server.Mcp;

/// <summary><c>search_experiments</c></summary>
internal sealed class SearchExperimentsTool : ReadTool
{
    private const string List = "experiments";

    public SearchExperimentsTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "search_experiments",
            "Search experiments",
            "Lists experiments, which are named sets of traces, the newest first. Begin here to learn the experiment_id that other tools need.",
            new("filter_string", ToolParameterType.Text, "For example: name ILIKE '%chat%' AND tags.team = 'a'. Keys: name, creation_time, last_update_time, tags.<key>. Without it: all."),
            new("view", ToolParameterType.Text, "Without it: active_only.") { Choices = ["active_only", "deleted_only", "all"] },
            new("order_by", ToolParameterType.Texts, "For example [\"name ASC\"]. Keys: name, experiment_id, creation_time, last_update_time."),
            new("max_results", ToolParameterType.Number, "At most so many.") { Minimum = 1, Maximum = 1000, Default = 50 },
            ToolParameters.PageToken)
    {
    }

    public static void Write(Utf8JsonWriter json, Experiment experiment)
    {
        json.WriteString("experiment_id", experiment.ExperimentId.ToString(CultureInfo.InvariantCulture));
        json.Text("name", experiment.Name, 1000);
        json.WriteString("created", ToolAnswer.Time(experiment.CreationTimeMs));
        json.WriteString("updated", ToolAnswer.Time(experiment.LastUpdateTimeMs));
        if (!experiment.IsActive)
        {
            json.WriteBoolean("deleted", true);
        }
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var view = arguments.Text("view");
        var query = new ExperimentQuery
        {
            Filter = arguments.Text("filter_string"),
            OrderBy = arguments.Texts("order_by"),
            IncludeActive = view is not "deleted_only",
            IncludeDeleted = view is "deleted_only" or "all",
            PageSize = arguments.Number("max_results"),
            PageToken = arguments.Text("page_token"),
        };
        var next = await PageFit.FillAsync(
            answer,
            List,
            query.PageSize,
            async size =>
            {
                var page = await Source.SearchExperimentsAsync(query with { PageSize = size }, cancellationToken).ConfigureAwait(false);
                return (page.Experiments, page.NextPageToken);
            },
            (json, experiment) =>
            {
                json.WriteStartObject();
                Write(json, experiment);
                json.WriteEndObject();
            }).ConfigureAwait(false);
        PageFit.Tell(answer, next);
    }
}
