using MLflow.Server.Traces;

namespace MLflow.Server.Mcp;

/// <summary><c>get_span</c></summary>
internal sealed class GetSpanTool : ReadTool
{
    public GetSpanTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "get_span",
            "Content of a span",
            "What one span recorded: inputs, outputs, attributes and events, each as JSON text. Long ones come in slices: name the part, and go on with offset.",
            ToolParameters.TraceId,
            ToolParameters.SpanId,
            new("part", ToolParameterType.Text, "The one to show. Without it: the beginning of each.") { Choices = SpanText.Parts },
            ToolParameters.Offset with { Description = "Character of the part to begin at; with part." },
            ToolParameters.Limit)
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var traceId = arguments.Required("trace_id");
        var spanId = arguments.Required("span_id");
        var part = arguments.Text("part");
        var (offset, limit) = (arguments.Number("offset"), arguments.Number("limit"));
        if (part is null && offset > 0)
        {
            throw ToolArguments.Invalid($"'offset' {offset} goes with 'part': one of {string.Join(", ", SpanText.Parts)}");
        }

        var span = (await Source.GetSpansAsync(traceId, cancellationToken).ConfigureAwait(false)).FirstOrDefault(span => span.SpanId.Equals(spanId, StringComparison.OrdinalIgnoreCase));
        if (span is null)
        {
            await TraceAsync(traceId, cancellationToken).ConfigureAwait(false);
            throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace '{ToolText.Cut(traceId, 200)}' has no span '{ToolText.Cut(spanId, 100)}'; get_trace lists its spans.");
        }

        answer.Write(json =>
        {
            json.WriteString("trace_id", span.TraceId);
            json.WriteString("span_id", span.SpanId);
            json.Text("parent_span_id", span.ParentSpanId, 100);
            json.Text("name", span.Name, 200);
            json.Text("type", span.Type, 100);
            json.WriteString("status", span.Status switch { SpanStatus.Ok => "OK", SpanStatus.Error => "ERROR", _ => "UNSET" });
            json.Text("status_message", span.StatusMessage, 500);
            json.WriteString("start", ToolAnswer.Time(span.StartNs / 1_000_000));
            json.Number("ms", span.EndNs is { } end ? Math.Round((end - span.StartNs) / 1_000_000m, 1) : null);
        });
        var parts = (part is null ? SpanText.Parts : [part]).Select(name => (Name: name, Text: SpanText.Of(span, name))).Where(shown => shown.Text.Length > 0 || part is not null).ToList();
        for (var i = 0; i < parts.Count; i++)
        {
            var (name, text) = parts[i];

            // Each has its share, and what an earlier one did not need.
            if (TextSlice.Write(answer, name, text, offset, limit, answer.Room / (parts.Count - i)) is { } next)
            {
                answer.More($"The rest of {name}: call get_span again with part = {name} and offset = {next}.");
            }
        }
    }
}
