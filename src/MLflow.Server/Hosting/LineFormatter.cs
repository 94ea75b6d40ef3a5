using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace MLflow.Server.Hosting;

/// <summary>
/// Log entries for people: a line each. Control characters are written as escapes, and what an exception says is indented, so that no text of a client
/// can look like an entry, or speak to the terminal.
/// </summary>
internal sealed class LineFormatter : ConsoleFormatter
{
    public const string FormatterName = "mlflow-line";

    private readonly TimeProvider _timeProvider;

    public LineFormatter(TimeProvider timeProvider)
        : base(FormatterName) => _timeProvider = timeProvider;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        textWriter.Write(_timeProvider.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        textWriter.Write(Word(logEntry.LogLevel));
        textWriter.Write(logEntry.Category);
        textWriter.Write(": ");
        Write(textWriter, logEntry.Formatter(logEntry.State, logEntry.Exception));
        textWriter.Write('\n');
        foreach (var line in (logEntry.Exception?.ToString() ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            textWriter.Write("    ");
            Write(textWriter, line.TrimEnd('\r'));
            textWriter.Write('\n');
        }
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => " trace ",
        LogLevel.Debug => " debug ",
        LogLevel.Information => " info  ",
        LogLevel.Warning => " warn  ",
        _ => " error ",
    };

    private static void Write(TextWriter writer, string text)
    {
        foreach (var c in text)
        {
            // Also the line separators of Unicode, and marks that turn the direction of what follows.
            if (char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069'))
            {
                writer.Write(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"));
            }
            else
            {
                writer.Write(c);
            }
        }
    }
}
