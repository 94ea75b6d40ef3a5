namespace MLflow.Tracing.Weaver;

/// <summary>Something that was not woven.</summary>
internal sealed class WeavingWarning(string code, string message, string? file, int line, int column)
{
    public string Code { get; } = code;

    public string Message { get; } = message;

    /// <summary>The source file, where the symbols tell.</summary>
    public string? File { get; } = file;

    public int Line { get; } = line;

    public int Column { get; } = column;
}
