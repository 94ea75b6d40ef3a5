using MLflow.Server.Traces;

namespace MLflow.Server.Mcp;

/// <summary><c>search_in_trace</c></summary>
internal sealed class SearchInTraceTool : ReadTool
{
    private const int SnippetChars = 80;
    private const int SnippetBytes = 600;

    public SearchInTraceTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "search_in_trace",
            "Search within a trace",
            "Finds a text, in upper or lower case, in names, status messages, inputs, outputs, attributes and events of a trace's spans. Each match has the span_id, the part and the offset at which get_span shows it.",
            ToolParameters.TraceId,
            new("text", ToolParameterType.Text, "What to look for, as it is read; no pattern.") { IsRequired = true },
            new("match_offset", ToolParameterType.Number, "Matches to skip."),
            new("max_results", ToolParameterType.Number, "Matches to show at most.") { Minimum = 1, Maximum = 1000, Default = 20 })
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var info = await TraceAsync(arguments.Required("trace_id"), cancellationToken).ConfigureAwait(false);
        var text = arguments.Required("text");
        var (skip, max) = (arguments.Number("match_offset"), arguments.Number("max_results"));
        var spans = SpanOutline.Of(await Source.GetSpansAsync(info.TraceId, cancellationToken).ConfigureAwait(false)).ConvertAll(span => span.Span);
        var (count, shown, isFull) = (0, 0, false);
        answer.Begin("matches");
        foreach (var (span, part, place, whole) in Matches(spans, text))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (count++ >= skip && shown < max && !isFull)
            {
                isFull = !answer.TryAdd(
                    "matches",
                    json =>
                    {
                        json.WriteStartObject();
                        json.WriteString("span_id", span.SpanId);
                        json.Text("span_name", span.Name, 100);
                        json.WriteString("part", part);
                        json.WriteNumber("offset", place);
                        json.WriteString("text", Snippet(whole, place, text.Length));
                        json.WriteEndObject();
                    },
                    keepFree: 50);
                shown += isFull ? 0 : 1;
            }
        }

        answer.Write(json => json.WriteNumber("match_count", count));
        if (skip + shown < count)
        {
            answer.More($"There are more: call search_in_trace again with match_offset = {skip + shown}.");
        }
    }

    private static IEnumerable<(SpanRecord Span, string Part, int Place, string Text)> Matches(List<SpanRecord> spans, string text)
    {
        // In JSON a quote or a line's end looks otherwise than it reads.
        var inJson = StoredJson.Quote(text)[1..^1];
        foreach (var span in spans)
        {
            foreach (var place in Places(span.Name, text))
            {
                yield return (span, "name", place, span.Name);
            }

            foreach (var place in Places(span.StatusMessage ?? "", text))
            {
                yield return (span, "status_message", place, span.StatusMessage!);
            }

            foreach (var part in SpanText.Parts)
            {
                var json = SpanText.Of(span, part);
                foreach (var place in Places(json, inJson))
                {
                    yield return (span, part, place, json);
                }
            }
        }
    }

    private static IEnumerable<int> Places(string text, string sought)
    {
        for (var at = text.IndexOf(sought, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(sought, at + sought.Length, StringComparison.OrdinalIgnoreCase))
        {
            yield return at;
        }
    }

    private static string Snippet(string text, int place, int length)
    {
        var start = Math.Max(0, place - SnippetChars);
        var limit = (place - start) + Math.Min(length, SnippetChars) + SnippetChars;
        return ToolText.Whole(text.Substring(start, ToolText.Fit(text, start, limit, SnippetBytes)));
    }
}
