using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Cli.Traces.Parquet;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Traces.Export;

/// <summary><c>mlflow traces export</c></summary>
internal sealed class ExportTracesCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly TraceExperimentOptionSet _experiments = new();
    private readonly Option<string?> _filter = new("--filter-string") { Description = "MLflow's filter. Without it: every trace.", HelpName = "FILTER" };
    private readonly Option<string?> _file = new("--file", "-f") { Description = "File to write. Without it: standard output. With --format parquet and --cursor: a folder of parts.", HelpName = "FILE" };
    private readonly Option<string> _format = new("--format") { Description = "mlflow: a trace whole on each line. otlp: its spans as an OTLP request in JSON on each line. parquet: a table of spans, with --file.", DefaultValueFactory = _ => "mlflow", HelpName = "mlflow|otlp|parquet" };
    private readonly Option<string?> _cursor = new("--cursor") { Description = "Keeps how far the export has come in this file, and goes on from there; with --file.", HelpName = "FILE" };

    public ExportTracesCommand()
        : base("export", "Writes traces as lines of JSON or as a Parquet file, the oldest first.")
    {
        _format.AcceptOnlyFromAmong("mlflow", "otlp", "parquet");
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

        var format = parsed.GetValue(_format) switch { "otlp" => TraceFormat.Otlp, "parquet" => TraceFormat.Parquet, _ => TraceFormat.Mlflow };
        if (format == TraceFormat.Parquet && path is null)
        {
            throw CommandException.WrongUse("--format parquet needs --file");
        }

        using var target = TrackingTarget.Connect(_tracking, parsed);
        var start = new ExportCursor
        {
            Server = target.Name,
            ExperimentIds = await _experiments.IdsAsync(parsed, target.Api, cancellationToken),
            Filter = parsed.GetValue(_filter),
            Format = parsed.GetValue(_format)!,
        };
        var cursors = cursorPath is null ? null : new CursorFile<ExportCursor>(cursorPath, CursorJson.Default.ExportCursor);
        if (cursors?.Read() is { } kept)
        {
            start = kept.Subject == start.Subject
                ? kept
                : throw CommandException.WrongUse($"{cursorPath} belongs to another export (of {kept.Server}, experiments {string.Join(", ", kept.ExperimentIds)}, filter '{kept.Filter}', format {kept.Format}): name another file, or remove it");
        }

        var source = new TraceSource(target.Api);
        var end = format == TraceFormat.Parquet ? await WriteTableAsync() : await WriteLinesAsync();
        await Console.Error.WriteLineAsync($"Exported {end.Traces - start.Traces} {(end.Traces - start.Traces == 1 ? "trace" : "traces")}{(start.Traces > 0 ? $", {end.Traces} with those before" : "")}");
        return 0;

        async Task<ExportCursor> WriteTableAsync()
        {
            await using var output = cursorPath is null ? ParquetExport.ToFile(path!) : ParquetExport.ToFolder(path!, cursorPath, start.Parts);
            return await new TraceExport(source, output, cursors).RunAsync(start, cancellationToken);
        }

        async Task<ExportCursor> WriteLinesAsync()
        {
            await using var output = path is null ? StandardOutput.Open() : Open(path, start, cursorPath);
            return await new TraceExport(source, new LineTraceWriter(output, format), cursors).RunAsync(start, cancellationToken);
        }
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
