using System.Text;
using MLflow.Server.Assessments;
using MLflow.Server.Traces;

namespace MLflow.Server.Mcp;

/// <summary><c>get_trace_assessment</c></summary>
internal sealed class GetTraceAssessmentTool : ReadTool
{
    public GetTraceAssessmentTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "get_trace_assessment",
            "One assessment",
            "One assessment of a trace, whole: value, error, rationale and metadata as JSON text, in slices where it is long.",
            ToolParameters.TraceId,
            new("assessment_id", ToolParameterType.Text, "Its id, a-…, from list_trace_assessments.") { IsRequired = true },
            ToolParameters.Offset,
            ToolParameters.Limit)
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var info = await TraceAsync(arguments.Required("trace_id"), cancellationToken).ConfigureAwait(false);
        var id = arguments.Required("assessment_id");
        var item = info.Assessments.FirstOrDefault(item => item.AssessmentId == id)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace '{ToolText.Cut(info.TraceId, 200)}' has no assessment '{ToolText.Cut(id, 100)}'; list_trace_assessments lists them.");
        answer.Write(json =>
        {
            json.Text("assessment_id", item.AssessmentId, 300);
            json.Text("name", item.Name, 300);
            json.WriteString("type", ListTraceAssessmentsTool.TypeName(item.Type));
            json.Text("source_type", item.SourceType, 100);
            json.Text("source_id", item.SourceId, 300);
            json.Text("span_id", item.SpanId, 100);
            json.WriteString("created", ToolAnswer.Time(item.CreateTimeMs));
            json.WriteString("updated", ToolAnswer.Time(item.LastUpdateTimeMs));
            json.WriteBoolean("valid", item.IsValid);
            json.Text("replaces", item.Overrides, 300);
        });
        if (TextSlice.Write(answer, "content", Content(item), arguments.Number("offset"), arguments.Number("limit"), answer.Room) is { } next)
        {
            answer.More($"The rest: call get_trace_assessment again with offset = {next}.");
        }
    }

    private static string Content(AssessmentRecord item)
    {
        var json = new StringBuilder("{\"value\": ").Append(item.Value);
        if (item.Error is not null)
        {
            json.Append(", \"error\": ").Append(item.Error);
        }

        if (item.Rationale is not null)
        {
            json.Append(", \"rationale\": ").Append(StoredJson.Quote(item.Rationale));
        }

        if (item.Metadata.Count > 0)
        {
            json.Append(", \"metadata\": {").AppendJoin(", ", item.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{StoredJson.Quote(pair.Key)}: {StoredJson.Quote(pair.Value)}")).Append('}');
        }

        return StoredJson.Readable(json.Append('}').ToString());
    }
}
