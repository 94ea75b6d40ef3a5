using System.Globalization;
using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Mcp;

/// <summary><c>get_trace</c></summary>
internal sealed class GetTraceTool : ReadTool
{
    public GetTraceTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "get_trace",
            "Outline of a trace",
            "The outline of one trace: its facts, and its spans as a tree in one list (depth; ms is how long, at_ms when it began after the trace) with type, model, tokens, cost in US dollars and errors. "
                + "in, out and events say how many characters and events there are: get_span shows them, search_in_trace searches them.",
            ToolParameters.TraceId,
            new("span_offset", ToolParameterType.Number, "Spans of the list to skip."),
            new("max_spans", ToolParameterType.Number, "Spans to show at most.") { Minimum = 1, Maximum = 10_000, Default = 200 })
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var info = await TraceAsync(arguments.Required("trace_id"), cancellationToken).ConfigureAwait(false);
        var spans = SpanOutline.Of(await Source.GetSpansAsync(info.TraceId, cancellationToken).ConfigureAwait(false));
        var (skip, max) = (arguments.Number("span_offset"), arguments.Number("max_spans"));
        var startNs = spans.Count > 0 ? spans.Min(span => span.Span.StartNs) : 0;
        answer.Write(json =>
        {
            TraceRow.Write(json, info, previewBytes: skip == 0 ? 500 : 100);
            json.WriteString("experiment_id", info.ExperimentId.ToString(CultureInfo.InvariantCulture));
            json.WriteNumber("span_count", spans.Count);
            json.Number("spans_not_arrived", info.Facts.AnnouncedSpanCount - spans.Count is > 0 and var missing ? missing : null);
            json.Number("calls_without_known_cost", info.Facts.UnpricedCalls is > 0 and var unpriced ? unpriced : null);
            json.Number("assessments", info.Assessments.Count is > 0 and var count ? count : null);
        });
        if (skip == 0)
        {
            ToolTags.Write(answer, "tags", info.Tags, answer.Room * 3 / 4);
            ToolTags.Write(answer, "metadata", info.Metadata, answer.Room * 2 / 3);
        }

        answer.Begin("spans");
        var shown = spans.Skip(skip).Take(max).TakeWhile(span => answer.TryAdd("spans", json => Write(json, span.Span, span.Depth, startNs))).Count();
        if (skip + shown < spans.Count)
        {
            answer.More($"Spans {skip + shown} to {spans.Count - 1} are left out: call get_trace again with span_offset = {skip + shown}.");
        }
    }

    private static void Write(Utf8JsonWriter json, SpanRecord span, int depth, long traceStartNs)
    {
        var facts = SpanFacts.From(span);
        json.WriteStartObject();
        json.WriteNumber("depth", depth);
        json.WriteString("span_id", span.SpanId);
        json.Text("name", span.Name, 200);
        json.Text("type", span.Type == SpanType.Unknown ? null : span.Type, 100);
        json.WriteNumber("at_ms", Ms(span.StartNs - traceStartNs));
        if (span.EndNs is { } end)
        {
            json.WriteNumber("ms", Ms(end - span.StartNs));
        }
        else
        {
            json.WriteBoolean("running", true);
        }

        json.Text("model", facts.Model, 100);
        TraceRow.WriteTokens(json, new TokenCounts(facts.InputTokens, facts.OutputTokens, facts.TotalTokens, facts.CachedInputTokens));
        json.Number("cost_usd", facts.Cost?.Usd);
        json.Number("first_token_ms", facts.FirstTokenMs);
        if (span.Status == SpanStatus.Error)
        {
            json.Text("error", TraceRow.Error(facts.ErrorType, facts.ErrorMessage) ?? "no message", 300);
        }

        json.Number("in", Length(span, SpanText.Inputs));
        json.Number("out", Length(span, SpanText.Outputs));
        json.Number("events", span.Events.Count is > 0 and var events ? events : null);
        json.WriteEndObject();
    }

    private static decimal Ms(long ns) => Math.Round(ns / 1_000_000m, 1);

    private static long? Length(SpanRecord span, string part) => SpanText.Of(span, part).Length is > 0 and var length ? length : null;
}
