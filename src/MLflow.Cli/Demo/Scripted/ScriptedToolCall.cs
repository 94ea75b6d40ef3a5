namespace MLflow.Cli.Demo.Scripted;

/// <summary>A call that the model asks for; <paramref name="Arguments"/> is a JSON object as text.</summary>
internal sealed record ScriptedToolCall(string Id, string Name, string Arguments);
