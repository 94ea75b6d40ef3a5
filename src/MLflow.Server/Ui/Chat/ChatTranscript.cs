using System.Text.Json;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Chat;

/// <summary>What was said in a model call: the prompt's messages, the model's answer, and which call each result belongs to.</summary>
public sealed class ChatTranscript
{
    private ChatTranscript(IReadOnlyList<ChatMessage> messages, int shared, SpanNode? sharedWith, PrefixBreak? @break)
    {
        Break = @break;
        Messages = messages;
        SharedCount = shared;
        SharedWith = sharedWith;
    }

    /// <summary>In order: the prompt, then the answer.</summary>
    public IReadOnlyList<ChatMessage> Messages { get; }

    /// <summary>How many messages at the front the previous model call had been sent already.</summary>
    public int SharedCount { get; }

    /// <summary>That previous model call, or null.</summary>
    public SpanNode? SharedWith { get; }

    /// <summary>Where this prompt stopped beginning like the one before it; null where it did not.</summary>
    public PrefixBreak? Break { get; }

    /// <summary>Reads the conversation of a model call, or returns null where there is none to read.</summary>
    public static ChatTranscript? Of(SpanNode node, SpanTree tree)
    {
        if (!node.Span.IsModelCall)
        {
            return null;
        }

        var inputs = MessageReader.Inputs(node.Span.Inputs);
        var outputs = MessageReader.Outputs(node.Span.Outputs);
        if (inputs is null && outputs is null)
        {
            return null;
        }

        var messages = new List<ChatMessage>([.. inputs ?? [], .. outputs ?? []]);
        Connect(messages, node, tree);
        var (shared, with, @break) = Shared(inputs ?? [], node, tree);
        return new ChatTranscript(messages, shared, with, @break);
    }

    private static void Connect(List<ChatMessage> messages, SpanNode node, SpanTree tree)
    {
        var schemas = ArgumentCheck.Schemas(node.Span);
        var taken = new HashSet<SpanNode>();
        var open = new List<ToolCall>();
        var number = 0;
        foreach (var message in messages)
        {
            foreach (var call in message.Calls)
            {
                call.Number = ++number;
                var fitting = tree.ToolRuns[call.Name].Where(run => !taken.Contains(run) && run.Span.StartMs < node.Span.StartMs != message.IsOutput).ToList();
                call.RanAs = fitting.FirstOrDefault(run => SameArguments(run, call)) ?? fitting.FirstOrDefault();
                if (call.RanAs is { } ran)
                {
                    taken.Add(ran);
                }

                call.Problems = schemas.TryGetValue(call.Name, out var schema) ? ArgumentCheck.Problems(call.Parsed, schema) : null;
                open.Add(call);
            }

            if (message.IsToolResult)
            {
                message.Answers = open.FirstOrDefault(call => call.Id == message.AnswersCallId) ?? open.FirstOrDefault(call => call.Name == message.Name);
                open.Remove(message.Answers!);
            }
        }
    }

    private static bool SameArguments(SpanNode run, ToolCall call) =>
        run.Span.Inputs.ValueKind == JsonValueKind.Object && call.Parsed.ValueKind == JsonValueKind.Object
        && JsonElement.DeepEquals(run.Span.Inputs, call.Parsed);

    private static (int Count, SpanNode? With, PrefixBreak? Break) Shared(IReadOnlyList<ChatMessage> inputs, SpanNode node, SpanTree tree)
    {
        var previous = tree.ModelCalls.LastOrDefault(call => call.ModelCall < node.ModelCall && ReferenceEquals(call.Parent, node.Parent));
        if (previous is null || MessageReader.Inputs(previous.Span.Inputs) is not { } before)
        {
            return (0, null, null);
        }

        var count = 0;
        while (count < before.Count && count < inputs.Count && Same(before[count].Source, inputs[count].Source))
        {
            count++;
        }

        // All of it shared means the same prompt was sent again; folding it away would leave nothing to read.
        var @break = PrefixBreak.Find(before, inputs, count, previous, node, tree);
        return count < 2 || count == inputs.Count ? (0, null, @break) : (count, previous, @break);
    }

    private static bool Same(JsonElement a, JsonElement b) =>
        a.ValueKind != JsonValueKind.Undefined && b.ValueKind != JsonValueKind.Undefined && JsonElement.DeepEquals(a, b);
}
