namespace MLflow.Server.Mcp;

/// <summary>What JSON an argument is.</summary>
internal enum ToolParameterType
{
    Text,
    Number,
    Flag,

    /// <summary>A list of texts, or one text with commas.</summary>
    Texts,
}
