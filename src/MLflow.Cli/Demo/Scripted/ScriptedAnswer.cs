namespace MLflow.Cli.Demo.Scripted;

/// <summary>What the script answers: words, or calls of the tools that were offered.</summary>
internal sealed record ScriptedAnswer(string? Text, IReadOnlyList<ScriptedToolCall> ToolCalls)
{
    public static ScriptedAnswer Say(string text) => new(text, []);

    public static ScriptedAnswer Call(IReadOnlyList<ScriptedToolCall> calls) => new(null, calls);
}
