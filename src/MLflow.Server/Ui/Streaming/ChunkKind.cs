namespace MLflow.Server.Ui.Streaming;

/// <summary>What a chunk of a stream brought.</summary>
public enum ChunkKind
{
    Text,
    ToolCall,
    Reasoning,
    Refusal,

    /// <summary>A finish reason and nothing else.</summary>
    Finish,

    /// <summary>Token usage.</summary>
    Usage,

    /// <summary>An envelope without content, or a kind that the page does not know.</summary>
    Other,
}
