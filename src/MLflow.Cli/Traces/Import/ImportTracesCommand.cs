using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces.Parquet;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Traces.Import;

/// <summary><c>mlflow traces import</c></summary>
internal sealed class ImportTracesCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string?> _experimentId = new("--experiment-id", "-x") { Description = "The experiment to bring them into. Without id and name: MLFLOW_EXPERIMENT_NAME, else MLFLOW_EXPERIMENT_ID, else 0.", HelpName = "ID" };
    private readonly Option<string?> _experimentName = new("--experiment-name", "-n") { Description = "Its name; it is created where there is none.", HelpName = "NAME" };
    private readonly Option<string?> _file = new("--file", "-f") { Description = "File to read, or a folder of Parquet files. Without it: standard input.", HelpName = "FILE" };
    private readonly Option<string?> _cursor = new("--cursor") { Description = "Keeps how far the import has come in this file, and goes on from there; with --file.", HelpName = "FILE" };
    private readonly Option<bool> _continue = new("--continue-on-error") { Description = "Names lines that cannot be imported and goes on with the next; the exit code is 1 nevertheless." };

    public ImportTracesCommand()
        : base("import", "Brings traces to a server from a file of 'export' (lines or Parquet), or from lines of JSON: Python's Trace.to_json(), or OTLP requests.")
    {
        Add(_experimentId);
        Add(_experimentName);
        Add(_file);
        Add(_cursor);
        Add(_continue);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var path = parsed.GetValue(_file);
        var cursorPath = parsed.GetValue(_cursor);
        if (path is null && cursorPath is not null)
        {
            throw CommandException.WrongUse("--cursor goes with --file: standard input cannot be read again");
        }

        if (path is not null && !Path.Exists(path))
        {
            throw CommandException.WrongUse($"--file {path} is not there");
        }

        // Before anything is made on the server: a file may turn out to be none of ours.
        await using var folder = Directory.Exists(path) ? await ParquetFolder.OpenAsync(path, cancellationToken) : null;
        await using var input = folder is not null ? Stream.Null
            : path is null ? Console.OpenStandardInput() : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        await using var parquet = ParquetTraceLines.IsParquet(input) ? await ParquetTraceLines.OpenAsync(input, path ?? "standard input", cancellationToken) : null;
        var table = folder ?? (ITraceLines?)parquet;

        using var target = TrackingTarget.Connect(_tracking, parsed);
        using var http = TrackingTransport.Read(Environment.GetEnvironmentVariable).CreateClient(TrackingHttp.MaxConnections);
        var experimentId = await ExperimentIdAsync(parsed, target.Api, cancellationToken);
        if (target.Api.Workspace is not null && (experimentId == "0" || CatalogLocation.TryParse(experimentId, out _)))
        {
            throw CommandException.WrongUse(experimentId == "0"
                ? "which experiment? A Databricks workspace has no default one: give --experiment-name /Shared/… or --experiment-id"
                : $"'{experimentId}' is a place in Unity Catalog, where the ids of traces are others: import into an experiment");
        }

        var start = new ImportCursor { File = path is null ? "-" : Path.GetFullPath(path), Server = target.Name, ExperimentId = experimentId };
        var cursors = cursorPath is null ? null : new CursorFile<ImportCursor>(cursorPath, CursorJson.Default.ImportCursor);
        if (cursors?.Read() is { } kept)
        {
            start = kept with { Bytes = 0, Lines = 0 } == start
                ? kept
                : throw CommandException.WrongUse($"{cursorPath} belongs to another import (of {kept.File} into experiment {kept.ExperimentId} of {kept.Server}): name another file, or remove it");
        }

        if (table is null)
        {
            Continue(input, path, start, cursorPath);
        }
        else
        {
            for (var done = 0L; done < start.Lines; done++)
            {
                await table.ReadAsync(cancellationToken);
            }
        }

        var upload = new TraceUpload(target.Api, new TrackingHttp(http, target.Address, TimeProvider.System), experimentId);
        return await new TraceImport(upload, table ?? new LineReader(input), cursors, parsed.GetValue(_continue)).RunAsync(start, cancellationToken);
    }

    private static void Continue(Stream input, string? path, ImportCursor start, string? cursorPath)
    {
        if (start.Bytes == 0)
        {
            return;
        }

        if (input.Length < start.Bytes)
        {
            throw new CommandException($"{path} has {input.Length} bytes, but {cursorPath} says that {start.Bytes} were read: remove the cursor to begin anew");
        }

        input.Position = start.Bytes;
    }

    private async Task<string> ExperimentIdAsync(ParseResult parsed, TrackingApi api, CancellationToken cancellationToken)
    {
        var (id, name) = (parsed.GetValue(_experimentId), parsed.GetValue(_experimentName));
        if (id is not null && name is not null)
        {
            throw CommandException.WrongUse("give either --experiment-id or --experiment-name");
        }

        if (id is null && (name ?? Variable("MLFLOW_EXPERIMENT_NAME")) is { } named)
        {
            return (await new ExperimentApi(api).GetOrCreateAsync(named, cancellationToken)).ExperimentId;
        }

        return id ?? Variable("MLFLOW_EXPERIMENT_ID") ?? "0";
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
