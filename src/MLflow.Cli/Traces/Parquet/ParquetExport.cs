using MLflow.Cli.Commands;
using MLflow.Cli.Traces.Export;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>Parquet files that are there whole or not at all: the index stands at the end, so that half of one is of no use to anybody.</summary>
internal sealed class ParquetExport : ITraceWriter, IAsyncDisposable
{
    /// <summary>A part ends with the batch with which it has one of these: what a killed process does again, and an index of some hundred kilobytes.</summary>
    private const long EnoughRows = 100_000;
    private const long EnoughChars = 64 << 20;

    private readonly string _path;
    private readonly bool _isFolder;
    private int _parts;
    private FileStream? _file;
    private ParquetTraceWriter? _writer;

    private ParquetExport(string path, bool isFolder, int parts)
    {
        _path = path;
        _isFolder = isFolder;
        _parts = parts;
    }

    private string PartPath => _isFolder ? ParquetFolder.PartPath(_path, _parts + 1) : _path;

    private string PartialPath => PartPath + ".partial";

    /// <summary>One file, which holds nothing until it holds all.</summary>
    /// <exception cref="CommandException">The file is there already.</exception>
    public static ParquetExport ToFile(string path) =>
        Path.Exists(path) ? throw new CommandException($"{path} is there already: name another file, or remove it") : new ParquetExport(path, isFolder: false, parts: 0);

    /// <summary>A folder of parts, which goes on where a cursor stands.</summary>
    /// <param name="path">The folder; made where it is missing.</param>
    /// <param name="cursorPath">The cursor's file.</param>
    /// <param name="parts">Parts that the cursor speaks of; what follows is of a process that ended before it wrote its cursor, and is done again.</param>
    /// <exception cref="CommandException">There is something else.</exception>
    public static ParquetExport ToFolder(string path, string cursorPath, int parts)
    {
        if (File.Exists(path))
        {
            throw new CommandException($"{path} is a file: with --cursor a Parquet export is a folder of parts, so name another, or remove it");
        }

        if (!File.Exists(cursorPath) && Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new CommandException($"{path} is there already, and {cursorPath} is not: name another folder, or remove it");
        }

        Directory.CreateDirectory(path);
        for (var part = 1; part <= parts; part++)
        {
            if (!File.Exists(ParquetFolder.PartPath(path, part)))
            {
                throw new CommandException($"{ParquetFolder.PartPath(path, part)} is missing, but {cursorPath} says that {parts} parts were written: remove folder and cursor to begin anew");
            }
        }

        for (var part = parts + 1; File.Exists(ParquetFolder.PartPath(path, part)); part++)
        {
            File.Delete(ParquetFolder.PartPath(path, part));
        }

        return new ParquetExport(path, isFolder: true, parts);
    }

    public async Task<long> WriteAsync(TraceDocument trace, CancellationToken cancellationToken)
    {
        await (await WriterAsync(cancellationToken)).WriteAsync(trace, cancellationToken);
        return 0;
    }

    public async Task<int?> SettleAsync(bool toDisk, bool isEnd, CancellationToken cancellationToken)
    {
        if (isEnd && !_isFolder)
        {
            // A file without traces is a table nevertheless.
            await WriterAsync(cancellationToken);
        }

        if (_writer is null)
        {
            return _parts;
        }

        if (!isEnd && !(_isFolder && (_writer.Written.Rows >= EnoughRows || _writer.Written.Chars >= EnoughChars)))
        {
            return null;
        }

        await _writer.FinishAsync(cancellationToken);
        await _writer.DisposeAsync();
        _writer = null;
        _file!.Flush(flushToDisk: true);
        await _file.DisposeAsync();
        _file = null;
        File.Move(PartialPath, PartPath, overwrite: false);
        return ++_parts;
    }

    /// <summary>Takes back what is not whole.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_file is null)
        {
            return;
        }

        // Not the writer, which would write an index to what is thrown away, and perhaps onto a full disk.
        await _file.DisposeAsync();
        File.Delete(PartialPath);
    }

    private async Task<ParquetTraceWriter> WriterAsync(CancellationToken cancellationToken)
    {
        _file ??= new FileStream(PartialPath, FileMode.Create, FileAccess.Write);
        return _writer ??= await ParquetTraceWriter.CreateAsync(_file, cancellationToken);
    }
}
