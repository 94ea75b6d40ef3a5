namespace MLflow.Server.Ui.Reading;

/// <summary>The frame of a stack trace to show first: the user's own code, not the framework's.</summary>
public static class StackFrames
{
    private static readonly string[] Framework =
        ["System.", "Microsoft.", "OpenAI.", "Azure.", "MLflow.", "Mlflow.", "site-packages", "--- End of", "lib/python", "node_modules"];

    /// <summary>The first frame that looks like the app's, or the first frame at all; null without frames.</summary>
    public static string? First(string? stackTrace)
    {
        if (string.IsNullOrWhiteSpace(stackTrace))
        {
            return null;
        }

        var frames = stackTrace.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => line.StartsWith("at ", StringComparison.Ordinal) || line.StartsWith("File ", StringComparison.Ordinal))
            .ToList();

        // Python prints the innermost frame last, .NET and JavaScript first.
        if (frames.Count > 0 && frames[0].StartsWith("File ", StringComparison.Ordinal))
        {
            frames.Reverse();
        }

        return frames.FirstOrDefault(frame => !Framework.Any(word => frame.Contains(word, StringComparison.Ordinal))) ?? frames.FirstOrDefault();
    }

    /// <summary>How many frames there are.</summary>
    public static int Count(string? stackTrace) => string.IsNullOrWhiteSpace(stackTrace) ? 0
        : stackTrace.Split('\n').Count(line => line.TrimStart() is var frame && (frame.StartsWith("at ", StringComparison.Ordinal) || frame.StartsWith("File ", StringComparison.Ordinal)));
}
