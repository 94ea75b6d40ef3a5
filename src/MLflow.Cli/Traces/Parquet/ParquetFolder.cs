using System.Globalization;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces.Import;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>Reads the traces of a folder of Parquet files, in the order of their names.</summary>
internal sealed class ParquetFolder : ITraceLines, IAsyncDisposable
{
    private const string Extension = ".parquet";

    private readonly IReadOnlyList<string> _paths;
    private int _next;
    private FileStream? _file;
    private ParquetTraceLines? _lines;

    private ParquetFolder(IReadOnlyList<string> paths) => _paths = paths;

    public string Piece => "trace";

    /// <param name="folder">The folder.</param>
    /// <param name="number">From 1.</param>
    public static string PartPath(string folder, int number) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"part-{number:000000}{Extension}"));

    /// <summary>Reads all files through, so that nothing is sent where one of them is broken.</summary>
    /// <exception cref="CommandException">One is not whole, or not a file that an export wrote; or there is none.</exception>
    public static async Task<ParquetFolder> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        var paths = Directory.GetFiles(folder, "*" + Extension).Order(StringComparer.Ordinal).ToList();
        if (paths.Count == 0)
        {
            throw new CommandException($"{folder} has no file that ends in {Extension}: name the folder of a Parquet export, or a file");
        }

        foreach (var path in paths)
        {
            await using var file = Open(path);
            await using var lines = await ParquetTraceLines.OpenAsync(file, path, cancellationToken);
        }

        return new ParquetFolder(paths);
    }

    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_lines is not null)
            {
                if (await _lines.ReadAsync(cancellationToken) is { } line)
                {
                    return line;
                }

                await CloseAsync();
            }

            if (_next == _paths.Count)
            {
                return null;
            }

            var path = _paths[_next++];
            _file = Open(path);
            _lines = await ParquetTraceLines.ReopenAsync(_file, path, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => new(CloseAsync());

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read);

    private async Task CloseAsync()
    {
        if (_lines is not null)
        {
            await _lines.DisposeAsync();
            _lines = null;
        }

        if (_file is not null)
        {
            await _file.DisposeAsync();
            _file = null;
        }
    }
}
