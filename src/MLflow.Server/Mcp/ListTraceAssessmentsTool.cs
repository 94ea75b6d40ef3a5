using System.Text.Json;
using MLflow.Server.Assessments;

namespace MLflow.Server.Mcp;

/// <summary><c>list_trace_assessments</c></summary>
internal sealed class ListTraceAssessmentsTool : ReadTool
{
    public ListTraceAssessmentsTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "list_trace_assessments",
            "Assessments of a trace",
            "Feedback (how good an answer was), expectations (what would have been right) and issues of a trace and its spans, the oldest first. get_trace_assessment shows one whole.",
            ToolParameters.TraceId,
            new("name", ToolParameterType.Text, "Only those of this name, for example correctness."),
            new("include_replaced", ToolParameterType.Flag, "Also those that a later one replaces. Without it: only the valid ones."),
            new("assessment_offset", ToolParameterType.Number, "Assessments of the list to skip."))
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var info = await TraceAsync(arguments.Required("trace_id"), cancellationToken).ConfigureAwait(false);
        var name = arguments.Text("name");
        var all = info.Assessments.Where(item => (name is null || item.Name == name) && (item.IsValid || arguments.Flag("include_replaced"))).ToList();
        var skip = arguments.Number("assessment_offset");
        answer.Write(json => json.WriteNumber("assessment_count", all.Count));
        answer.Begin("assessments");
        var shown = all.Skip(skip).TakeWhile(item => answer.TryAdd("assessments", json => Write(json, item))).Count();
        if (skip + shown < all.Count)
        {
            answer.More($"There are more: call list_trace_assessments again with assessment_offset = {skip + shown}.");
        }
    }

    private static void Write(Utf8JsonWriter json, AssessmentRecord item)
    {
        json.WriteStartObject();
        json.Text("assessment_id", item.AssessmentId, 300);
        json.Text("name", item.Name, 300);
        json.WriteString("type", TypeName(item.Type));
        json.Text("value", item.Value, 500);
        json.Text("error", item.Error, 500);
        json.Text("rationale", item.Rationale, 500);
        json.Text("source", Source(item), 300);
        json.Text("span_id", item.SpanId, 100);
        json.WriteString("time", ToolAnswer.Time(item.CreateTimeMs));
        if (!item.IsValid)
        {
            json.WriteBoolean("replaced", true);
        }

        json.WriteEndObject();

        static string Source(AssessmentRecord item) => item.SourceId is null ? item.SourceType : $"{item.SourceType} {item.SourceId}";
    }

    public static string TypeName(AssessmentType type) => type switch
    {
        AssessmentType.Feedback => "feedback",
        AssessmentType.Expectation => "expectation",
        _ => "issue",
    };
}
