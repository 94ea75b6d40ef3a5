namespace MLflow.Server.Ui.Prompts;

/// <summary>What the tokens of a prompt are, in the order in which providers put them.</summary>
public enum PromptPart
{
    System,
    Tools,
    User,
    Assistant,
    ToolResults,
}
