namespace MLflow.Server.Traces;

/// <summary>A version of a prompt of the prompt registry.</summary>
/// <param name="Name">The prompt's name.</param>
/// <param name="Version">Its version, a number as a rule.</param>
public sealed record PromptVersion(string Name, string Version);
