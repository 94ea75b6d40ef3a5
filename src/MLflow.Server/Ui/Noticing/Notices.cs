using System.Text.Json;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Noticing;

/// <summary>What is noticed about a trace: rules over its spans, the same for the same spans, and never a model.</summary>
public static class Notices
{
    /// <summary>The last calls of a long loop say what there is to say; each is read with all of its prompt.</summary>
    public const int MostCallsRead = 50;
    private const double LongRetryMs = 500;

    // Roughly: what OpenAI's tokenizers make of English text and JSON.
    private const double CharactersOfAToken = 4;

    public static IReadOnlyList<Notice> Of(SpanTree tree)
    {
        var calls = tree.ModelCalls.Skip(Math.Max(0, tree.ModelCalls.Count - MostCallsRead)).Select(node => (Node: node, Transcript: ChatTranscript.Of(node, tree))).ToList();
        return
        [
            .. Arguments(calls),
            .. BrokenOutputs(calls),
            .. CutAnswers(calls),
            .. Repeated(tree),
            .. Unused(calls),
            .. Retries(tree),
            .. BrokenPrefixes(calls),
            .. NoUsage(tree),
        ];
    }

    private static IEnumerable<Notice> Arguments(List<(SpanNode Node, ChatTranscript? Transcript)> calls)
    {
        var asked = calls.SelectMany(call => (call.Transcript?.Messages ?? []).Where(message => message.IsOutput).SelectMany(message => message.Calls).Select(made => (call.Node, Call: made))).ToList();
        foreach (var (node, call) in asked.Where(pair => pair.Call.Problems is { Count: > 0 }))
        {
            yield return new Notice(NoticeMark.Wrong, T("{0}: argument {1}. strict: true on the tool's definition prevents it.", call.Name, string.Join("; ", call.Problems!.Select(problem => problem.Words))), call.RanAs ?? node);
        }

        var checkedCalls = asked.Count(pair => pair.Call.Problems is not null);
        if (checkedCalls > 0 && asked.All(pair => pair.Call.Problems is not { Count: > 0 }))
        {
            yield return new Notice(NoticeMark.Good, checkedCalls == 1 ? T("The arguments of the tool call match its schema.") : T("The arguments of all {0} tool calls match their schemas.", checkedCalls));
        }
    }

    private static IEnumerable<Notice> BrokenOutputs(List<(SpanNode Node, ChatTranscript? Transcript)> calls)
    {
        foreach (var (node, _) in calls)
        {
            if (StructuredOutput.Of(node.Span) is { Problems: { Count: > 0 } problems })
            {
                yield return new Notice(NoticeMark.Wrong, T("The answer does not fit its schema: {0}.", string.Join("; ", problems.Take(3).Select(problem => problem.Words))), node);
            }
        }
    }

    private static IEnumerable<Notice> CutAnswers(List<(SpanNode Node, ChatTranscript? Transcript)> calls)
    {
        foreach (var (node, _) in calls)
        {
            if (node.Span.FinishReason is "length" or "max_output_tokens" or "max_tokens")
            {
                yield return new Notice(NoticeMark.Odd, T("The answer was cut at the most tokens that the request allowed."), node);
            }
            else if (node.Span.FinishReason == "content_filter")
            {
                yield return new Notice(NoticeMark.Odd, T("The provider's content filter ended the answer."), node);
            }
        }
    }

    private static IEnumerable<Notice> Repeated(SpanTree tree)
    {
        var runs = tree.Rows.Where(node => node.Span.Kind is SpanKind.Tool or SpanKind.Retriever && node.Span.Record is { IsSkeleton: false } record && record[AttributeNames.Inputs] is not null)
            .GroupBy(node => (node.Span.Title, node.Span.Record[AttributeNames.Inputs]))
            .Where(group => group.Count() > 1);
        foreach (var group in runs.OrderByDescending(group => group.Count()).Take(3))
        {
            yield return new Notice(NoticeMark.Odd, T("{0} ran {1} times with the same arguments.", group.Key.Title, group.Count()), group.ElementAt(1));
        }

        var prompts = tree.ModelCalls.Where(node => node.Span.Record is { IsSkeleton: false } record && record[AttributeNames.Inputs] is not null).GroupBy(node => node.Span.Record[AttributeNames.Inputs]).Where(group => group.Count() > 1);
        foreach (var group in prompts.Take(1))
        {
            yield return new Notice(NoticeMark.Odd, T("The same request was sent to the model {0} times.", group.Count()), group.ElementAt(1));
        }
    }

    private static IEnumerable<Notice> Unused(List<(SpanNode Node, ChatTranscript? Transcript)> calls)
    {
        var offered = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (node, transcript) in calls)
        {
            foreach (var (name, definition) in ToolDefinitions.Functions(node.Span))
            {
                offered.TryAdd(name, definition);
            }

            used.UnionWith((transcript?.Messages ?? []).SelectMany(message => message.Calls).Select(call => call.Name));
        }

        var unused = offered.Where(tool => !used.Contains(tool.Key)).ToList();
        if (unused.Count == 0)
        {
            yield break;
        }

        var tokens = (long)Math.Round(unused.Sum(tool => tool.Value.GetRawText().Length) / CharactersOfAToken);
        var names = string.Join(", ", unused.Take(4).Select(tool => tool.Key)) + (unused.Count > 4 ? ", …" : "");
        yield return new Notice(
            NoticeMark.Odd,
            unused.Count == 1
                ? T("{0} was offered but never called. Its definition costs about {1} tokens in each call.", names, Figures.Count(tokens))
                : T("{0} tools were offered but never called: {1}. Their definitions cost about {2} tokens in each call.", unused.Count, names, Figures.Count(tokens)),
            calls[^1].Node);
    }

    private static IEnumerable<Notice> Retries(SpanTree tree)
    {
        foreach (var node in tree.ModelCalls.Where(node => node.Span.Attempts.Count > 1).OrderByDescending(node => node.Span.Attempts[^1].StartMs).Take(2))
        {
            if (node.Span.Attempts[^1].StartMs >= LongRetryMs)
            {
                yield return new Notice(NoticeMark.Odd, T("{0} went by with retries before the attempt that counted.", Figures.Duration(node.Span.Attempts[^1].StartMs)), node);
            }
        }
    }

    private static IEnumerable<Notice> BrokenPrefixes(List<(SpanNode Node, ChatTranscript? Transcript)> calls) =>
        calls.Where(call => call.Transcript?.Break is { LostTokens: > 0 }).OrderByDescending(call => call.Transcript!.Break!.LostTokens).Take(2)
            .Select(call => new Notice(NoticeMark.Odd, call.Transcript!.Break!.Words, call.Node));

    private static IEnumerable<Notice> NoUsage(SpanTree tree)
    {
        var streamed = tree.ModelCalls.FirstOrDefault(node => node.Span is { FirstTokenMs: not null, InputTokens: null, IsFailed: false, StreamEnd: null, EndMs: not null });
        if (streamed is not null)
        {
            yield return new Notice(NoticeMark.Odd, T("A stream told no usage, so its tokens and cost are not known. stream_options: { include_usage: true } asks for it."), streamed);
        }
    }
}
