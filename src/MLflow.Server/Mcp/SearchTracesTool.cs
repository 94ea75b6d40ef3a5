using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Mcp;

/// <summary><c>search_traces</c></summary>
internal sealed class SearchTracesTool : ReadTool
{
    private const string Description = """
        Finds traces of an experiment, the newest first, each as a short row; get_trace shows one.
        filter_string is comparisons joined by AND; on this server also OR, NOT and parentheses. Texts stand in single quotes, keys with other characters than letters, digits, dots and _ in backticks. Examples:
        status = 'ERROR' AND timestamp_ms > 1795399326000
        span.type = 'TOOL' AND span.status = 'ERROR'
        execution_time_ms > 5000 AND name = 'chat'
        feedback.helpful = 'false' AND trace.text ILIKE '%tokyo%'
        metadata.`mlflow.trace.session` = 's-1'
        Keys: timestamp_ms, execution_time_ms, end_time_ms (= != > >= < <=); status (OK, ERROR, IN_PROGRESS), name, request_id, client_request_id, run_id, tags.<key>, metadata.<key>, span.name, span.type, span.status, span.attributes.<key>, feedback.<name>, expectation.<name> (= != LIKE ILIKE RLIKE, some IN); trace.text and span.content (LIKE, ILIKE) search in all that was recorded. LIKE has % and _.
        """;

    public SearchTracesTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "search_traces",
            "Search traces",
            Description,
            ToolParameters.ExperimentId,
            new("filter_string", ToolParameterType.Text, "See the description. Without it: every trace."),
            new("order_by", ToolParameterType.Texts, "For example [\"execution_time_ms DESC\"]. Without it: timestamp_ms DESC."),
            new("max_results", ToolParameterType.Number, "At most so many.") { Minimum = 1, Maximum = TraceQuery.MaxPageSize, Default = 20 },
            ToolParameters.PageToken,
            new("run_id", ToolParameterType.Text, "Only traces of this run."))
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var query = new TraceQuery
        {
            ExperimentIds = [arguments.ExperimentId("experiment_id")!.Value],
            Filter = Filter(arguments.Text("filter_string"), arguments.Text("run_id")),
            OrderBy = arguments.Texts("order_by"),
            PageSize = arguments.Number("max_results"),
            PageToken = arguments.Text("page_token"),
        };
        var next = await PageFit.FillAsync(
            answer,
            "traces",
            query.PageSize,
            async size =>
            {
                var page = await Source.SearchTracesAsync(query with { PageSize = size }, cancellationToken).ConfigureAwait(false);
                return (page.Traces, page.NextPageToken);
            },
            (json, info) =>
            {
                json.WriteStartObject();
                TraceRow.Write(json, info, previewBytes: 250);
                json.Number("assessments", info.Assessments.Count is > 0 and var count ? count : null);
                json.WriteEndObject();
            }).ConfigureAwait(false);
        PageFit.Tell(answer, next);
    }

    private static string? Filter(string? filter, string? runId) => runId is null ? filter
        : runId.Contains('\'', StringComparison.Ordinal) ? throw ToolArguments.Invalid($"'run_id' must be letters and digits, got '{ToolText.Cut(runId, 100)}'")
        : FilterText.And(filter, $"run_id = '{runId}'");
}
