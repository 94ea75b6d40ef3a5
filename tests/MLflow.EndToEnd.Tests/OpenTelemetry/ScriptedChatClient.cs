using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace MLflow.EndToEnd.Tests.OpenTelemetry;

/// <summary>A model in memory: asks for its tool first, and answers when it has the result.</summary>
internal sealed class ScriptedChatClient : IChatClient
{
    public Exception? Failure { get; init; }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (Failure is not null)
        {
            throw Failure;
        }

        var hasResult = messages.Any(message => message.Role == ChatRole.Tool);
        var answer = hasResult
            ? new ChatMessage(ChatRole.Assistant, "Sunny.")
            : new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("call_1", "get_weather", new Dictionary<string, object?> { ["city"] = "Paris" })]);
        return Task.FromResult(new ChatResponse(answer)
        {
            ModelId = options?.ModelId,
            FinishReason = hasResult ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls,
            Usage = new UsageDetails { InputTokenCount = 19, OutputTokenCount = 10, TotalTokenCount = 29 },
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
