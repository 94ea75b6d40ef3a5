using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Mcp;

/// <summary><c>search_sessions</c></summary>
internal sealed class SearchSessionsTool : ReadTool
{
    private const string HasSession = $"metadata.`{TraceKeys.Session}` LIKE '%'";

    public SearchSessionsTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "search_sessions",
            "Sessions of an experiment",
            "Conversations: the sessions to which the newest traces of an experiment belong, the one with the newest trace first. Figures are of the traces that were looked at. "
                + $"Traces of one session: search_traces with filter_string metadata.`{TraceKeys.Session}` = '<session>' and order_by timestamp_ms ASC.",
            ToolParameters.ExperimentId,
            new("filter_string", ToolParameterType.Text, "Only traces that it finds, as in search_traces, joined by AND."),
            new("max_traces", ToolParameterType.Number, "Traces to look at.") { Minimum = 1, Maximum = TraceQuery.MaxPageSize, Default = 200 },
            ToolParameters.PageToken)
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var page = await Source.SearchTracesAsync(
            new TraceQuery
            {
                ExperimentIds = [arguments.ExperimentId("experiment_id")!.Value],
                Filter = FilterText.And(arguments.Text("filter_string"), HasSession),
                PageSize = arguments.Number("max_traces"),
                PageToken = arguments.Text("page_token"),
            },
            cancellationToken).ConfigureAwait(false);
        answer.Write(json =>
        {
            json.WriteNumber("traces_looked_at", page.Traces.Count);
            if (page.Traces.Count > 0)
            {
                json.WriteString("oldest_looked_at", ToolAnswer.Time(page.Traces.Min(info => info.RequestTimeMs)));
            }

            json.Text("next_page_token", page.NextPageToken, int.MaxValue);
        });
        var sessions = page.Traces.GroupBy(info => info.Metadata.GetValueOrDefault(TraceKeys.Session) ?? "").ToList();
        answer.Begin("sessions");
        var shown = sessions.TakeWhile(session => answer.TryAdd("sessions", json =>
        {
            var costs = session.Select(info => info.Facts.Cost ?? CallCost.Parse(info.Metadata.GetValueOrDefault(TraceKeys.Cost))).OfType<CallCost>().ToList();
            var last = session.MaxBy(info => info.RequestTimeMs)!;
            json.WriteStartObject();
            json.WriteString("session", ToolText.Cut(session.Key, 500));
            json.WriteNumber("traces", session.Count());
            json.Number("errors", session.Count(info => info.State == TraceState.Error) is > 0 and var errors ? errors : null);
            json.WriteString("first", ToolAnswer.Time(session.Min(info => info.RequestTimeMs)));
            json.WriteString("last", ToolAnswer.Time(last.RequestTimeMs));
            json.Number("total_tokens", Tokens(session));
            json.Number("cost_usd", costs.Count > 0 ? costs.Aggregate((left, right) => left + right).Usd : null);
            json.Text("user", last.Metadata.GetValueOrDefault(TraceKeys.User), 200);
            json.Text("last_request", last.RequestPreview, 200);
            json.WriteEndObject();
        })).Count();
        if (shown < sessions.Count)
        {
            answer.More($"{sessions.Count - shown} of {sessions.Count} sessions are left out: call search_sessions again with a smaller max_traces and go on with page_token.");
        }
        else if (page.NextPageToken is not null)
        {
            answer.More("There are older traces: call again with the same arguments and page_token = next_page_token. A session may go on there.");
        }
    }

    private static long? Tokens(IEnumerable<TraceInfo> session)
    {
        var counts = session.Select(info => TokenCounts.Parse(info.Metadata.GetValueOrDefault(TraceKeys.TokenUsage)).Total).OfType<long>().ToList();
        return counts.Count > 0 ? counts.Sum() : null;
    }
}
