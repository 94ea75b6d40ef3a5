namespace MLflow;

/// <summary>What an activity of a GenAI framework stands for (OpenTelemetry's semantic conventions for generative AI, 1.38).</summary>
internal enum ActivityKinds
{
    /// <summary>Nothing that has a span of ours.</summary>
    None,

    /// <summary>One call of a model.</summary>
    Model,

    /// <summary>One embedding of texts.</summary>
    Embedding,

    /// <summary>A function that a model asked for.</summary>
    Tool,

    /// <summary>The run of an agent.</summary>
    Agent,
}
