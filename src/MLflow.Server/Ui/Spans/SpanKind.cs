namespace MLflow.Server.Ui.Spans;

/// <summary>The kinds of span that have a hue and a shape of their own.</summary>
public enum SpanKind
{
    /// <summary>The user's own types, and no type at all.</summary>
    Other,

    /// <summary>Agents, chains, workflows: what mostly contains other steps.</summary>
    Agent,

    /// <summary>Calls of a language model.</summary>
    Model,

    /// <summary>Functions that a model asked for.</summary>
    Tool,

    /// <summary>Retrievers, rerankers, parsers.</summary>
    Retriever,

    /// <summary>Text to vectors.</summary>
    Embedding,
}
