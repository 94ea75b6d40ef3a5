using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Adds tracing to pipelines of Microsoft.Extensions.AI.</summary>
public static class MlflowTracingBuilderExtensions
{
    private const string ExperimentalId = "MEAI001";

    /// <summary>
    /// Makes each call of the model a span, whichever provider is behind the client, and each function that is invoked for it a tool's span. Over the
    /// OpenAI package with <c>Mlflow.OpenAI.Autolog()</c> both see the call, and it is one span. Place it after <c>UseFunctionInvocation()</c>: before it,
    /// all calls of one answer are below one span.
    /// </summary>
    /// <param name="builder">The pipeline.</param>
    public static ChatClientBuilder UseMlflowTracing(this ChatClientBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use(inner => new TracedChatClient(inner, Mlflow.Client.Tracer, Mlflow.Client.Log));
    }

    /// <summary>Makes each embedding a span.</summary>
    /// <param name="builder">The pipeline.</param>
    public static EmbeddingGeneratorBuilder<TInput, TEmbedding> UseMlflowTracing<TInput, TEmbedding>(
        this EmbeddingGeneratorBuilder<TInput, TEmbedding> builder)
        where TEmbedding : Embedding
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use(inner => new TracedEmbeddingGenerator<TInput, TEmbedding>(inner, Mlflow.Client.Tracer));
    }

    /// <summary>Makes each generation of images a span.</summary>
    /// <param name="builder">The pipeline.</param>
    [Experimental(ExperimentalId)]
    public static ImageGeneratorBuilder UseMlflowTracing(this ImageGeneratorBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use(inner => new TracedImageGenerator(inner, Mlflow.Client.Tracer));
    }

    /// <summary>Makes each transcription a span.</summary>
    /// <param name="builder">The pipeline.</param>
    [Experimental(ExperimentalId)]
    public static SpeechToTextClientBuilder UseMlflowTracing(this SpeechToTextClientBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use(inner => new TracedSpeechToTextClient(inner, Mlflow.Client.Tracer));
    }

    /// <summary>Makes each spoken text a span.</summary>
    /// <param name="builder">The pipeline.</param>
    [Experimental(ExperimentalId)]
    public static TextToSpeechClientBuilder UseMlflowTracing(this TextToSpeechClientBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use(inner => new TracedTextToSpeechClient(inner, Mlflow.Client.Tracer));
    }
}
