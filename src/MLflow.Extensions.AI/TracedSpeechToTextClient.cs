using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Makes each transcription a span. The sound itself is not kept, and never read ahead of the client.</summary>
internal sealed class TracedSpeechToTextClient : DelegatingSpeechToTextClient
{
    private readonly Tracer _tracer;

    public TracedSpeechToTextClient(ISpeechToTextClient inner, Tracer tracer)
        : base(inner)
    {
        _tracer = tracer;
        _tracer.WatchFlow();
    }

    public override async Task<SpeechToTextResponse> GetTextAsync(
        Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = Start(options);
        call.Enter();
        try
        {
            var response = await base.GetTextAsync(audioSpeechStream, options, cancellationToken).ConfigureAwait(false);
            call.End(null, span =>
            {
                RecordRequest(span, options);
                RecordResponse(span, response);
            });
            return response;
        }
        catch (Exception e) when (call.Fail(e, span => RecordRequest(span, options)))
        {
            throw;
        }
    }

    public override async IAsyncEnumerable<SpeechToTextResponseUpdate> GetStreamingTextAsync(
        Stream audioSpeechStream, SpeechToTextOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var stream = new ModelStream<SpeechToTextResponseUpdate>(
            Start(options),
            static update => update.Text.Length > 0,
            static update => new JsonObject { ["type"] = update.Kind.Value, ["text"] = update.Text },
            (span, updates) =>
            {
                RecordRequest(span, options);
                if (updates.Count > 0)
                {
                    RecordResponse(span, updates.ToSpeechToTextResponse());
                }
            });
        await foreach (var update in stream.ReadAsync(() => base.GetStreamingTextAsync(audioSpeechStream, options, cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            yield return update;
        }
    }

    private static void RecordRequest(LiveSpan span, SpeechToTextOptions? options)
    {
        Fact.Json(span, AttributeNames.Inputs, new JsonObject
        {
            ["language"] = options?.SpeechLanguage,
            ["text_language"] = options?.TextLanguage,
            ["sample_rate"] = options?.SpeechSampleRate,
        });
    }

    private static void RecordResponse(LiveSpan span, SpeechToTextResponse response)
    {
        Fact.Json(span, AttributeNames.Outputs, new JsonObject { ["text"] = response.Text });
        Fact.Text(span, AttributeNames.ResponseModel, response.ModelId);
        Fact.Text(span, AttributeNames.ResponseId, response.ResponseId);
        Fact.Usage(span, response.Usage);
    }

    private ModelCall Start(SpeechToTextOptions? options)
    {
        var metadata = InnerClient.GetService<SpeechToTextClientMetadata>();
        return ModelCall.Start(_tracer, "transcription", SpanType.Tool, options?.ModelId ?? metadata?.DefaultModelId, metadata?.ProviderName);
    }
}
