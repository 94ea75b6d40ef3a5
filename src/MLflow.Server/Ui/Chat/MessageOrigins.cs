using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Chat;

/// <summary>Which earlier call said what stands in a prompt as the assistant's words.</summary>
public sealed class MessageOrigins
{
    // A loop's own words of longer ago are folded away anyhow.
    private const int MostRead = 20;
    private readonly Dictionary<string, SpanNode> _byWords = new(StringComparer.Ordinal);

    private MessageOrigins()
    {
    }

    public static MessageOrigins None { get; } = new();

    public static MessageOrigins Of(SpanNode node, SpanTree tree)
    {
        var origins = new MessageOrigins();
        foreach (var earlier in tree.ModelCalls.Where(call => call.ModelCall < node.ModelCall).TakeLast(MostRead))
        {
            foreach (var message in MessageReader.Outputs(earlier.Span.Outputs) ?? [])
            {
                if (Key(message) is { } key)
                {
                    origins._byWords[key] = earlier;
                }
            }
        }

        return origins;
    }

    /// <summary>The call, or null.</summary>
    public SpanNode? Of(ChatMessage message) => Key(message) is { } key ? _byWords.GetValueOrDefault(key) : null;

    private static string? Key(ChatMessage message) =>
        message.Calls.Count > 0 && message.Calls[0].Id is { Length: > 0 } id ? id
        : message.Role is "assistant" && message.Text.Length > 0 ? message.Text
        : null;
}
