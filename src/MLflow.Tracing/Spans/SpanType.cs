namespace MLflow;

/// <summary>
/// MLflow's span types. A span type is a string, so a team may use its own; these are the ones that MLflow's tools know
/// (MLflow 3, <c>mlflow.entities.SpanType</c>).
/// </summary>
public static class SpanType
{
    /// <summary>A text completion by a model.</summary>
    public const string Llm = "LLM";

    /// <summary>A chain of steps.</summary>
    public const string Chain = "CHAIN";

    /// <summary>An agent: decides which steps to take.</summary>
    public const string Agent = "AGENT";

    /// <summary>A tool: a function that a model asked for.</summary>
    public const string Tool = "TOOL";

    /// <summary>A conversation with a model: messages in, a message out.</summary>
    public const string ChatModel = "CHAT_MODEL";

    /// <summary>A search for documents.</summary>
    public const string Retriever = "RETRIEVER";

    /// <summary>Turning text into a structure.</summary>
    public const string Parser = "PARSER";

    /// <summary>Text to vectors.</summary>
    public const string Embedding = "EMBEDDING";

    /// <summary>Putting documents in a better order.</summary>
    public const string Reranker = "RERANKER";

    /// <summary>Reading or writing an agent's memory.</summary>
    public const string Memory = "MEMORY";

    /// <summary>A workflow as a whole.</summary>
    public const string Workflow = "WORKFLOW";

    /// <summary>A task within a workflow.</summary>
    public const string Task = "TASK";

    /// <summary>A check of what goes in or out.</summary>
    public const string Guardrail = "GUARDRAIL";

    /// <summary>A judgement of quality.</summary>
    public const string Evaluator = "EVALUATOR";

    /// <summary>No type was given.</summary>
    public const string Unknown = "UNKNOWN";
}
