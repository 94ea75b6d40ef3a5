using System.Globalization;
using MLflow.Server.Storage;

namespace MLflow.Server.Hosting;

/// <summary>Whether the server can take and store requests now. Migrations are done before it listens at all.</summary>
internal sealed class Readiness
{
    /// <summary>A store that takes longer than this to write is not ready, whatever it does.</summary>
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(5);

    private readonly IStoreHealth _store;
    private readonly Drain _drain;
    private readonly ServerSettings _settings;
    private readonly MlflowServerOptions _options;
    private readonly Lock _gate = new();
    private Task? _writing;

    public Readiness(IStoreHealth store, Drain drain, ServerSettings settings, MlflowServerOptions options)
    {
        _store = store;
        _drain = drain;
        _settings = settings;
        _options = options;
    }

    /// <summary>Each check with its fault; null for none.</summary>
    public async Task<IReadOnlyList<(string Check, string? Fault)>> CheckAsync(CancellationToken cancellationToken) =>
    [
        ("accepting", _drain.HasBegun ? "the server is stopping" : null),
        ("database", await DatabaseAsync(cancellationToken).ConfigureAwait(false)),
        ("disk", (_settings.PostgresUri is null ? Disk(Path.GetDirectoryName(_settings.DatabasePath)!, "the database") : null) ?? Disk(_settings.ArtifactsPath, "the artifacts")),
    ];

    // Whoever asks meanwhile waits for the write that is under way: anybody may ask, and shall neither make the disk work by it nor fill the queue.
    private Task WriteAsync()
    {
        lock (_gate)
        {
            return _writing is { IsCompleted: false } ? _writing : _writing = _store.WriteAsync(CancellationToken.None);
        }
    }

    private async Task<string?> DatabaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync().WaitAsync(WriteTimeout, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (TimeoutException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"the database did not write within {WriteTimeout.TotalSeconds} seconds: its disk is slow, or another program holds it");
        }
        catch (MlflowException e)
        {
            return e.Message;
        }
    }

    private string? Disk(string folder, string what)
    {
        // The folder of artifacts is made at the first upload.
        while (!Directory.Exists(folder))
        {
            if (Path.GetDirectoryName(folder) is not { } parent)
            {
                return $"the folder of {what} does not exist";
            }

            folder = parent;
        }

        try
        {
            var free = new DriveInfo(folder).AvailableFreeSpace;
            return free >= _options.MinFreeBytes ? null
                : string.Create(CultureInfo.InvariantCulture, $"the disk of {what} has {free} bytes free, less than {_options.MinFreeBytes} (--min-free-bytes): make room");
        }
        catch (IOException e)
        {
            return $"the disk of {what} cannot be asked: {e.Message}";
        }
    }
}
