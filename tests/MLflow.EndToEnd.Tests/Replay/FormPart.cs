namespace MLflow.EndToEnd.Tests.Replay;

/// <summary>A part of a form; each byte of its content is one character.</summary>
internal sealed record FormPart(string Name, string? FileName, string? ContentType, string Content);
