using System.Globalization;
using System.Text.RegularExpressions;

namespace MLflow.Server.Ui.Reading;

/// <summary>The frames of a stack trace of .NET, Python or JavaScript, the innermost first.</summary>
public static partial class StackFrames
{
    private static readonly string[] Framework =
        ["System.", "Microsoft.", "OpenAI.", "Azure.", "MLflow.", "Mlflow.", "site-packages", "--- End of", "lib/python", "node_modules", "node:internal"];

    /// <summary>The first frame that looks like the app's, or the first frame at all; null without frames.</summary>
    public static StackFrame? First(string? stackTrace)
    {
        var frames = Read(stackTrace);
        return frames.FirstOrDefault(frame => frame.IsOwn) ?? (frames.Count > 0 ? frames[0] : null);
    }

    /// <summary>All frames.</summary>
    public static IReadOnlyList<StackFrame> Read(string? stackTrace)
    {
        var frames = (stackTrace ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => line.StartsWith("at ", StringComparison.Ordinal) || line.StartsWith("File ", StringComparison.Ordinal))
            .Select(Frame)
            .ToList();

        // Python prints the innermost frame last, .NET and JavaScript first.
        if (frames.Count > 0 && frames[0].Text.StartsWith("File ", StringComparison.Ordinal))
        {
            frames.Reverse();
        }

        return frames;
    }

    private static StackFrame Frame(string text)
    {
        var isOwn = !Framework.Any(word => text.Contains(word, StringComparison.Ordinal));
        var place = DotNet().Match(text) is { Success: true } dotnet ? dotnet : Python().Match(text) is { Success: true } python ? python : JavaScript().Match(text);
        return place.Success
            ? new StackFrame(text, isOwn, place.Groups["file"].Value, int.TryParse(place.Groups["line"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var line) ? line : null)
            : new StackFrame(text, isOwn);
    }

    // at KiteAgent.AnswerAsync(String question) in /src/Agents/KiteAgent.cs:line 88
    [GeneratedRegex(@" in (?<file>.+):line (?<line>\d+)$", RegexOptions.CultureInvariant)]
    private static partial Regex DotNet();

    // File "/app/main.py", line 12, in run
    [GeneratedRegex(@"^File ""(?<file>[^""]+)"", line (?<line>\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Python();

    // at run (/app/main.js:12:5)
    [GeneratedRegex(@"\(?(?<file>(?:/|[A-Za-z]:\\)[^()]+?):(?<line>\d+):\d+\)?$", RegexOptions.CultureInvariant)]
    private static partial Regex JavaScript();
}
