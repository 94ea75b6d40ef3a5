using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Makes each generation of images a span. Images themselves are not kept, only their kind and size.</summary>
internal sealed class TracedImageGenerator : DelegatingImageGenerator
{
    private readonly Tracer _tracer;

    public TracedImageGenerator(IImageGenerator inner, Tracer tracer)
        : base(inner)
    {
        _tracer = tracer;
        _tracer.WatchFlow();
    }

    public override async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var metadata = InnerGenerator.GetService<ImageGeneratorMetadata>();
        var call = ModelCall.Start(_tracer, "images", SpanType.Tool, options?.ModelId ?? metadata?.DefaultModelId, metadata?.ProviderName);
        call.Enter();
        try
        {
            var response = await base.GenerateAsync(request, options, cancellationToken).ConfigureAwait(false);
            call.End(null, span =>
            {
                RecordRequest(span, request, options);
                Fact.Json(span, AttributeNames.Outputs, new JsonObject { ["data"] = Fact.Contents(response.Contents) });
                Fact.Usage(span, response.Usage);
            });
            return response;
        }
        catch (Exception e) when (call.Fail(e, span => RecordRequest(span, request, options)))
        {
            throw;
        }
    }

    private static void RecordRequest(LiveSpan span, ImageGenerationRequest request, ImageGenerationOptions? options)
    {
        var inputs = new JsonObject { ["prompt"] = request.Prompt };
        if (request.OriginalImages is { } images)
        {
            inputs["images"] = Fact.Contents(images);
        }

        Fact.Json(span, AttributeNames.Inputs, inputs);
        Fact.Value(span, "n", options?.Count);
        Fact.Value(span, "size", options?.ImageSize is { } size ? $"{size.Width}x{size.Height}" : null);
        Fact.Value(span, "output_format", options?.MediaType);
        Fact.Value(span, "response_format", options?.ResponseFormat?.ToString());
    }
}
