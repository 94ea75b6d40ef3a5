using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Traces.Export;

/// <summary><c>mlflow traces export</c></summary>
internal sealed class ExportTracesCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly TraceExperimentOptionSet _experiments = new();
    private readonly Option<string?> _filter = new("--filter-string") { Description = "MLflow's filter. Without it: every trace.", HelpName = "FILTER" };
    private readonly Option<string?> _file = new("--file", "-f") { Description = "File to write. Without it: standard output.", HelpName = "FILE" };
    private readonly Option<string> _format = new("--format") { Description = "mlflow: a trace whole on each line. otlp: its spans as an OTLP request in JSON on each line.", DefaultValueFactory = _ => "mlflow", HelpName = "mlflow|otlp" };
    private readonly Option<string?> _cursor = new("--cursor") { Description = "Keeps how far the export has come in this file, and goes on from there; with --file.", HelpName = "FILE" };

    public ExportTracesCommand()
        : base("export", "Writes traces as lines of JSON, the oldest first.")
    {
        _format.AcceptOnlyFromAmong("mlflow", "otlp");
        _experiments.AddTo(this);
        Add(_filter);
        Add(_file);
        Add(_format);
        Add(_cursor);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var path = parsed.GetValue(_file);
        var cursorPath = parsed.GetValue(_cursor);
        if (path is null && cursorPath is not null)
        {
            throw CommandException.WrongUse("--cursor goes with --file: in standard output nothing can be taken back that was cut off");
        }

        var target = TrackingTarget.Connect(_tracking, parsed);
        var format = parsed.GetValue(_format)!;
        var start = new ExportCursor
        {
            Server = target.Name,
            ExperimentIds = await _experiments.IdsAsync(parsed, target.Api, cancellationToken),
            Filter = parsed.GetValue(_filter),
            Format = format,
        };
        var cursors = cursorPath is null ? null : new CursorFile<ExportCursor>(cursorPath, CursorJson.Default.ExportCursor);
        if (cursors?.Read() is { } kept)
        {
            start = kept.Subject == start.Subject
                ? kept
                : throw CommandException.WrongUse($"{cursorPath} belongs to another export (of {kept.Server}, experiments {string.Join(", ", kept.ExperimentIds)}, filter '{kept.Filter}', format {kept.Format}): name another file, or remove it");
        }

        await using var output = path is null ? Console.OpenStandardOutput() : Open(path, start, cursorPath);
        var export = new TraceExport(new TraceSource(target.Api), output, format == "otlp" ? TraceFormat.Otlp : TraceFormat.Mlflow, cursors);
        var end = await export.RunAsync(start, cancellationToken);
        await Console.Error.WriteLineAsync($"Exported {end.Traces - start.Traces} traces{(start.Traces > 0 ? $", {end.Traces} with those before" : "")}");
        return 0;
    }

    private static FileStream Open(string path, ExportCursor cursor, string? cursorPath)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        var length = file.Length;
        if (length < cursor.Bytes || (cursor.Bytes == 0 && length > 0 && cursor.Traces == 0 && !(cursorPath is not null && File.Exists(cursorPath))))
        {
            file.Dispose();
            throw new CommandException(length < cursor.Bytes
                ? $"{path} has {length} bytes, but {cursorPath} says that {cursor.Bytes} were written: remove the cursor to begin anew"
                : $"{path} is there already: name another file, or remove it");
        }

        file.SetLength(cursor.Bytes);
        file.Position = cursor.Bytes;
        return file;
    }
}
