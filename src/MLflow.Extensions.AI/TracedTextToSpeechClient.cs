using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Makes each spoken text a span. The sound itself is not kept, only its kind and size.</summary>
internal sealed class TracedTextToSpeechClient : DelegatingTextToSpeechClient
{
    private readonly Tracer _tracer;

    public TracedTextToSpeechClient(ITextToSpeechClient inner, Tracer tracer)
        : base(inner)
    {
        _tracer = tracer;
        _tracer.WatchFlow();
    }

    public override async Task<TextToSpeechResponse> GetAudioAsync(
        string text, TextToSpeechOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = Start(options);
        call.Enter();
        try
        {
            var response = await base.GetAudioAsync(text, options, cancellationToken).ConfigureAwait(false);
            call.End(null, span =>
            {
                RecordRequest(span, text, options);
                RecordResponse(span, response);
            });
            return response;
        }
        catch (Exception e) when (call.Fail(e, span => RecordRequest(span, text, options)))
        {
            throw;
        }
    }

    public override async IAsyncEnumerable<TextToSpeechResponseUpdate> GetStreamingAudioAsync(
        string text, TextToSpeechOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var stream = new ModelStream<TextToSpeechResponseUpdate>(
            Start(options),
            static update => update.Contents.Count > 0,
            static update => new JsonObject { ["type"] = update.Kind.Value, ["contents"] = Fact.Contents(update.Contents) },
            (span, updates) =>
            {
                RecordRequest(span, text, options);
                if (updates.Count > 0)
                {
                    RecordResponse(span, updates.ToTextToSpeechResponse());
                }
            });
        await foreach (var update in stream.ReadAsync(() => base.GetStreamingAudioAsync(text, options, cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            yield return update;
        }
    }

    private static void RecordRequest(LiveSpan span, string text, TextToSpeechOptions? options)
    {
        Fact.Json(span, AttributeNames.Inputs, new JsonObject { ["input"] = text, ["voice"] = options?.VoiceId });
        Fact.Value(span, "voice", options?.VoiceId);
        Fact.Value(span, "language", options?.Language);
        Fact.Value(span, "response_format", options?.AudioFormat);
        Fact.Value(span, "speed", options?.Speed);
    }

    private static void RecordResponse(LiveSpan span, TextToSpeechResponse response)
    {
        Fact.Json(span, AttributeNames.Outputs, new JsonObject { ["contents"] = Fact.Contents(response.Contents) });
        Fact.Text(span, AttributeNames.ResponseModel, response.ModelId);
        Fact.Text(span, AttributeNames.ResponseId, response.ResponseId);
        Fact.Usage(span, response.Usage);
    }

    private ModelCall Start(TextToSpeechOptions? options)
    {
        var metadata = InnerClient.GetService<TextToSpeechClientMetadata>();
        return ModelCall.Start(_tracer, "speech", SpanType.Tool, options?.ModelId ?? metadata?.DefaultModelId, metadata?.ProviderName);
    }
}
