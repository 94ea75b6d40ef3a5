using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace MLflow.Extensions.Tests;

/// <summary>A provider of the program's own, with nothing to be seen on HTTP. It asks for a tool where it is offered one.</summary>
internal sealed class InMemoryChatClient : IChatClient
{
    public static readonly ChatClientMetadata Metadata = new("in-memory", new Uri("http://in.memory"), "tiny-1");

    /// <summary>Runs before each update of a stream.</summary>
    public Func<int, Task>? BeforeUpdate { get; init; }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        List<AIContent> contents = options?.Tools is { Count: > 0 } && messages.Last().Role != ChatRole.Tool
            ? [new FunctionCallContent("call_1", "get_weather", new Dictionary<string, object?> { ["city"] = ModelTestBase.City })]
            : [new TextContent("It is "), new TextContent("sunny.")];
        contents.Add(new UsageContent(new UsageDetails { InputTokenCount = 5, OutputTokenCount = 3, TotalTokenCount = 8 }));
        for (var i = 0; i < contents.Count; i++)
        {
            await Task.Yield();
            if (BeforeUpdate is { } before)
            {
                await before(i);
            }

            cancellationToken.ThrowIfCancellationRequested();
            yield return new ChatResponseUpdate(ChatRole.Assistant, [contents[i]])
            {
                ResponseId = "r1",
                MessageId = "m1",
                ModelId = "tiny-1",
                FinishReason = i < contents.Count - 1 ? null : contents[0] is FunctionCallContent ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            };
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? Metadata : serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
