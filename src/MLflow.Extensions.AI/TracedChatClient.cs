using System.Diagnostics;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Makes each call of a chat client a span.</summary>
internal sealed class TracedChatClient : DelegatingChatClient
{
    private readonly Tracer _tracer;
    private readonly FrameworkActivities _frameworks;
    private readonly bool _invokesFunctions;
    private readonly OpenTelemetryChatClient? _telemetry;

    public TracedChatClient(IChatClient inner, Tracer tracer, SelfLog log)
        : base(inner)
    {
        _tracer = tracer;
        _tracer.WatchFlow();
        _frameworks = tracer.Frameworks(log);
        _invokesFunctions = inner.GetService<FunctionInvokingChatClient>() is not null;
        if (inner.GetService<ActivitySource>() is null)
        {
            _frameworks.ListenToSource();

            // Never called. Function invocation further out reports arguments and results when it finds such a client that allows it.
            _telemetry = new OpenTelemetryChatClient(inner, null, _frameworks.Source.Name) { EnableSensitiveData = true };
        }
    }

    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var (call, asked) = Start(ref messages, options);
        call.Enter();
        try
        {
            var response = await base.GetResponseAsync(messages, WithTracedTools(options), cancellationToken).ConfigureAwait(false);
            call.End(null, span =>
            {
                ChatFacts.RecordRequest(span, asked, options);
                ChatFacts.RecordResponse(span, response, call.IsChain);
            });
            return response;
        }
        catch (Exception e) when (call.Fail(e, span => ChatFacts.RecordRequest(span, asked, options)))
        {
            throw;
        }
    }

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return ReadAsync(messages, options, cancellationToken);
    }

    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        var service = base.GetService(serviceType, serviceKey);
        if (service is not null || serviceKey is not null || _telemetry is null)
        {
            return service;
        }

        return serviceType == typeof(ActivitySource) ? _frameworks.Source : serviceType == typeof(OpenTelemetryChatClient) ? _telemetry : null;
    }

    private async IAsyncEnumerable<ChatResponseUpdate> ReadAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (call, asked) = Start(ref messages, options);
        var stream = new ModelStream<ChatResponseUpdate>(call, ChatFacts.HasContent, ChatFacts.Chunk, (span, updates) =>
        {
            ChatFacts.RecordRequest(span, asked, options);
            if (updates.Count > 0)
            {
                ChatFacts.RecordResponse(span, updates.ToChatResponse(), call.IsChain);
            }
        });
        await foreach (var update in stream.ReadAsync(() => base.GetStreamingResponseAsync(messages, WithTracedTools(options), cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            yield return update;
        }
    }

    /// <summary>The messages are kept as they are now: function invocation goes on with the same list.</summary>
    private (ModelCall Call, IReadOnlyList<ChatMessage> Asked) Start(ref IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        ChatMessage[] asked = [.. messages];
        if (messages is not ICollection<ChatMessage>)
        {
            // A sequence that may be readable only once.
            messages = asked;
        }

        var metadata = InnerClient.GetService<ChatClientMetadata>();
        return (ModelCall.Start(_tracer, "chat", SpanType.ChatModel, options?.ModelId ?? metadata?.DefaultModelId, metadata?.ProviderName), asked);
    }

    /// <summary>Functions are invoked further in: only here can their arguments and results be seen.</summary>
    private ChatOptions? WithTracedTools(ChatOptions? options)
    {
        if (!_invokesFunctions || options?.Tools is not { Count: > 0 } tools)
        {
            return options;
        }

        var traced = options.Clone();
        traced.Tools = [.. tools.Select(tool => tool is AIFunction function and not TracedFunction ? new TracedFunction(function, _tracer) : tool)];
        return traced;
    }
}
