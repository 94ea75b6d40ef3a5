namespace MLflow.Server.Mcp;

/// <summary><c>get_experiment</c></summary>
internal sealed class GetExperimentTool : ReadTool
{
    public GetExperimentTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "get_experiment",
            "Get an experiment",
            "One experiment with its tags, by its id or by its name.",
            ToolParameters.ExperimentId with { IsRequired = false },
            new("experiment_name", ToolParameterType.Text, "Its name, as it is written. Give this or experiment_id."))
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var (id, name) = (arguments.ExperimentId("experiment_id"), arguments.Text("experiment_name"));
        if (id is null == name is null)
        {
            throw ToolArguments.Invalid("get_experiment needs either experiment_id or experiment_name");
        }

        var experiment = (id is { } number
            ? await Source.FindExperimentAsync(number, cancellationToken).ConfigureAwait(false)
            : await Source.FindExperimentAsync(name!, cancellationToken).ConfigureAwait(false))
                ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"There is no experiment with the {(id is null ? $"name '{ToolText.Cut(name!, 200)}'" : $"id {id}")}; search_experiments lists those that are there.");
        answer.Write(json => SearchExperimentsTool.Write(json, experiment));
        ToolTags.Write(answer, "tags", experiment.Tags, keepFree: 0);
    }
}
