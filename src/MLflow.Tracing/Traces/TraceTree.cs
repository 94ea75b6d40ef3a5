using System.Globalization;
using System.Text;

namespace MLflow;

/// <summary>Writes a trace for people, a line for each span.</summary>
internal static class TraceTree
{
    private const int MaxMessageLength = 200;

    public static string Write(TraceRecord trace)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{trace.TraceId} ({trace.State})");
        var children = trace.Spans.OrderBy(span => span.StartNs).ToLookup(span => span.ParentId);
        var ids = trace.Spans.Select(span => span.SpanId).ToHashSet();
        var waiting = new Stack<(TraceSpan Span, int Depth)>();

        // Also those whose parent is not here. A circle of spans that are each other's parents has no top and is not shown.
        Push(trace.Spans.Where(span => span.ParentId is null || !ids.Contains(span.ParentId)).OrderBy(span => span.StartNs), 1);
        while (waiting.TryPop(out var next))
        {
            WriteSpan(text, next.Span, next.Depth);
            Push(children[next.Span.SpanId], next.Depth + 1);
        }

        return text.ToString();

        void Push(IEnumerable<TraceSpan> spans, int depth)
        {
            foreach (var span in spans.Reverse())
            {
                waiting.Push((span, depth));
            }
        }
    }

    private static void WriteSpan(StringBuilder text, TraceSpan span, int depth)
    {
        text.AppendLine().Append(' ', depth * 2).Append(CultureInfo.InvariantCulture, $"{span.Name} [{span.SpanType}]");
        if (span.StatusCode == SpanStatusCode.Error)
        {
            text.Append(" ERROR");
            if (span.StatusMessage is { Length: > 0 } message)
            {
                text.Append(": ").Append(TracePreview.Cut(message.ReplaceLineEndings(" "), MaxMessageLength));
            }
        }
    }
}
