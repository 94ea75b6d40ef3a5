namespace MLflow.Server.Ui.Spans;

/// <summary>What time was spent on.</summary>
public enum SplitKind
{
    Waiting,
    Streaming,
    Tools,
    Retrieval,
    Embedding,
    Retries,
    YourCode,
}
