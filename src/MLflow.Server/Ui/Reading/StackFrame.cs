namespace MLflow.Server.Ui.Reading;

/// <summary>A line of a stack trace.</summary>
/// <param name="Text">The line.</param>
/// <param name="IsOwn">True for the app's own code, false for that of frameworks.</param>
/// <param name="File">The file, as the trace has it; null where it has none.</param>
/// <param name="Line">The line in the file; null where none is told.</param>
public sealed record StackFrame(string Text, bool IsOwn, string? File = null, int? Line = null)
{
    /// <summary>Whether an editor can find the file: by a path from the root of the disk.</summary>
    public bool CanOpen => File is { Length: > 2 } && (File[0] == '/' || (char.IsAsciiLetter(File[0]) && File[1] == ':' && File[2] is '\\' or '/'));

    /// <summary>Opens the file in Visual Studio Code.</summary>
    public string CodeUrl => FormattableString.Invariant($"vscode://file{(File![0] == '/' ? "" : "/")}{Escaped}:{Line ?? 1}");

    /// <summary>Opens the file in Rider, through JetBrains Toolbox.</summary>
    public string RiderUrl => FormattableString.Invariant($"jetbrains://rider/navigate/reference?path={Uri.EscapeDataString(File!.Replace('\\', '/'))}:{Line ?? 1}");

    private string Escaped => string.Join('/', File!.Replace('\\', '/').Split('/').Select((part, i) => i == 0 ? part : Uri.EscapeDataString(part)));
}
