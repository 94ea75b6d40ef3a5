using System.Security.Cryptography;

namespace MLflow.Server.Artifacts;

/// <summary>
/// Artifacts as files below one folder. A file is there whole or not at all: it is written beside and moved to its place.
/// All paths are checked by <see cref="ArtifactPath"/>.
/// </summary>
internal sealed class ArtifactFolder
{
    /// <summary>Bytes of one file, or of one part of an upload.</summary>
    public const long MaxFileBytes = 5L * 1024 * 1024 * 1024;

    /// <summary>Entries of a folder that are listed.</summary>
    public const int MaxListed = 50_000;

    private const int BufferBytes = 128 * 1024;

    private readonly string _root;

    public ArtifactFolder(string root) => _root = Path.GetFullPath(root);

    /// <summary>Where uploads in parts wait.</summary>
    public string Uploads => Path.Combine(_root, ArtifactPath.WorkFolder);

    /// <summary>Stores a file, replacing what was there.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a path that cannot be. BAD_REQUEST: too long. TEMPORARILY_UNAVAILABLE: the disk is full or fails.</exception>
    public async Task WriteAsync(string path, Stream content, CancellationToken cancellationToken)
    {
        var target = FullPath(ArtifactPath.CheckFile(path));
        RequirePlace(path, target);
        await WriteAsideAsync(content, file => Place(file, path, target), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes into a file of its own, and hands that over when it is whole; it is gone afterwards where nobody moved it.</summary>
    /// <returns>The SHA-256 of what was written, in hexadecimal digits.</returns>
    /// <exception cref="MlflowException">BAD_REQUEST: too long. TEMPORARILY_UNAVAILABLE: the disk is full or fails.</exception>
    public async Task<string> WriteAsideAsync(Stream content, Action<string> whenWhole, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await WriteAsideAsync(
            async file =>
            {
                var buffer = new byte[BufferBytes];
                int read;
                while ((read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    if (file.Position + read > MaxFileBytes)
                    {
                        throw new MlflowException(ErrorCode.BAD_REQUEST, $"The file has more than {MaxFileBytes} bytes, which is the most for one file; upload it in parts.");
                    }

                    hash.AppendData(buffer, 0, read);
                    await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                }
            },
            whenWhole).ConfigureAwait(false);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>As the other, for what <paramref name="write"/> writes, however long.</summary>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: the disk is full or fails.</exception>
    public async Task WriteAsideAsync(Func<FileStream, Task> write, Action<string> whenWhole)
    {
        var aside = Path.Combine(Uploads, Path.GetRandomFileName());
        try
        {
            Directory.CreateDirectory(Uploads);
            await using (var file = new FileStream(aside, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes, FileOptions.Asynchronous))
            {
                await write(file).ConfigureAwait(false);
            }

            whenWhole(aside);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !IsOfTheReader(e))
        {
            throw Unavailable(e);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    /// <summary>What clients are told where the disk fails: they send again what is refused for now.</summary>
    public static MlflowException Unavailable(Exception e) =>
        new(ErrorCode.TEMPORARILY_UNAVAILABLE, $"The file cannot be written now, and nothing of it was stored: {e.Message}", e);

    /// <summary>Moves a file to the place of an artifact.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a path that cannot be.</exception>
    public void Place(string file, string path)
    {
        var target = FullPath(ArtifactPath.CheckFile(path));
        RequirePlace(path, target);
        Place(file, path, target);
    }

    /// <summary>The file; null where there is none.</summary>
    public FileStream? OpenRead(string path)
    {
        var file = FullPath(ArtifactPath.CheckFile(path));
        try
        {
            return File.Exists(file) ? new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferBytes, FileOptions.Asynchronous | FileOptions.SequentialScan) : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>What is in a folder, by name; nothing where there is no such folder.</summary>
    public IReadOnlyList<ArtifactEntry> List(string? path)
    {
        var folder = new DirectoryInfo(FullPath(ArtifactPath.Check(path)));
        return !folder.Exists ? []
            : [.. folder.EnumerateFileSystemInfos().Where(entry => !(folder.FullName == _root && ArtifactPath.IsReserved(entry.Name)) && entry.LinkTarget is null).Take(MaxListed)
                .Select(entry => new ArtifactEntry(entry.Name, (entry as FileInfo)?.Length))
                .OrderBy(entry => entry.Name, StringComparer.Ordinal)];
    }

    /// <summary>Deletes a file, or a folder with all that is in it.</summary>
    /// <returns>False where there was none.</returns>
    public bool Delete(string path)
    {
        var target = FullPath(ArtifactPath.CheckFile(path));
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
            return true;
        }

        if (!File.Exists(target))
        {
            return false;
        }

        File.Delete(target);
        return true;
    }

    // Kestrel tells of a client that sends no more, or too much, by an IOException of its own.
    private static bool IsOfTheReader(Exception e) => e.GetType().Assembly != typeof(IOException).Assembly;

    private static void Place(string file, string path, string target)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Move(file, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && (Directory.Exists(target) || HasFileAbove(target)))
        {
            throw Occupied(path);
        }
    }

    private static void RequirePlace(string path, string target)
    {
        if (Directory.Exists(target) || HasFileAbove(target))
        {
            throw Occupied(path);
        }
    }

    private static bool HasFileAbove(string target)
    {
        for (var folder = Path.GetDirectoryName(target); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(folder))
            {
                return true;
            }
        }

        return false;
    }

    private static MlflowException Occupied(string path) => new(
        ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid path: '{path}' is a folder, or a part of it is a file; choose another name.");

    private string FullPath(string path)
    {
        var full = Path.GetFullPath(Path.Combine(_root, path));

        // The path was checked; this is for what nobody thought of.
        return (full == _root || full.StartsWith(_root + Path.DirectorySeparatorChar, StringComparison.Ordinal)) && !HasLink(full)
            ? full
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid path: '{path}' is outside of the artifacts.");
    }

    /// <summary>Whether a name below the root is a link, which would lead wherever somebody with access to the disk has let it. The root itself may be one.</summary>
    private bool HasLink(string full)
    {
        for (var path = full; path.Length > _root.Length; path = Path.GetDirectoryName(path)!)
        {
            if (new FileInfo(path).LinkTarget is not null)
            {
                return true;
            }
        }

        return false;
    }
}
