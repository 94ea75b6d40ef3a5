namespace MLflow.Server.Conventions;

/// <summary>A tool that the model asked for.</summary>
/// <param name="Id">Null when it was not written down.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">JSON text, as the model wrote it.</param>
internal sealed record ChatCall(string? Id, string Name, string Arguments);
