using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Makes each embedding a span.</summary>
internal sealed class TracedEmbeddingGenerator<TInput, TEmbedding> : DelegatingEmbeddingGenerator<TInput, TEmbedding>
    where TEmbedding : Embedding
{
    private readonly Tracer _tracer;

    public TracedEmbeddingGenerator(IEmbeddingGenerator<TInput, TEmbedding> inner, Tracer tracer)
        : base(inner)
    {
        _tracer = tracer;
        _tracer.WatchFlow();
    }

    public override async Task<GeneratedEmbeddings<TEmbedding>> GenerateAsync(
        IEnumerable<TInput> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        TInput[] asked = [.. values];
        var metadata = InnerGenerator.GetService<EmbeddingGeneratorMetadata>();
        var call = ModelCall.Start(_tracer, "embeddings", SpanType.Embedding, options?.ModelId ?? metadata?.DefaultModelId, metadata?.ProviderName);
        call.Enter();
        try
        {
            var embeddings = await base.GenerateAsync(asked, options, cancellationToken).ConfigureAwait(false);
            call.End(null, span =>
            {
                RecordRequest(span, asked, options);
                RecordResponse(span, embeddings);
            });
            return embeddings;
        }
        catch (Exception e) when (call.Fail(e, span => RecordRequest(span, asked, options)))
        {
            throw;
        }
    }

    private static void RecordRequest(LiveSpan span, TInput[] values, EmbeddingGenerationOptions? options)
    {
        var inputs = new JsonObject { ["input"] = new JsonArray([.. values.Select(value => (JsonNode)Fact.AsText(value))]) };
        if (options?.ModelId is { } model)
        {
            inputs["model"] = model;
        }

        if (options?.Dimensions is { } dimensions)
        {
            inputs["dimensions"] = dimensions;
            Fact.Value(span, "dimensions", dimensions);
        }

        Fact.Json(span, AttributeNames.Inputs, inputs);
    }

    private static void RecordResponse(LiveSpan span, GeneratedEmbeddings<TEmbedding> embeddings)
    {
        var data = new JsonArray();
        foreach (var embedding in embeddings)
        {
            var item = new JsonObject { ["object"] = "embedding", ["index"] = data.Count };
            if (embedding is Embedding<float> floats)
            {
                item["embedding"] = new JsonArray([.. floats.Vector.ToArray().Select(number => (JsonNode)number)]);
            }
            else
            {
                item["dimensions"] = embedding.Dimensions;
            }

            data.Add((JsonNode)item);
        }

        Fact.Json(span, AttributeNames.Outputs, new JsonObject { ["object"] = "list", ["data"] = data });
        Fact.Text(span, AttributeNames.ResponseModel, embeddings.FirstOrDefault()?.ModelId);
        Fact.Usage(span, embeddings.Usage);
    }
}
