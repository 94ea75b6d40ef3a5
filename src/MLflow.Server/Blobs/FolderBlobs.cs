using System.Security.Cryptography;

namespace MLflow.Server.Blobs;

/// <summary>Contents as files below one folder, which is made at the first write.</summary>
internal sealed class FolderBlobs : IBlobStore
{
    private readonly string _root;

    public FolderBlobs(string root) => _root = Path.GetFullPath(root);

    public async Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var file = PathOf(name);
        var aside = $"{file}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}.partial";
        try
        {
            if (File.Exists(file))
            {
                return;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            using (var handle = File.OpenHandle(aside, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous, content.Length))
            {
                await RandomAccess.WriteAsync(handle, content, 0, cancellationToken).ConfigureAwait(false);
                RandomAccess.FlushToDisk(handle);
            }

            File.Move(aside, file, overwrite: true);
            FolderSync.Flush(Path.GetDirectoryName(file)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable("written", e);
        }
        finally
        {
            TryDelete(aside);
        }
    }

    public async Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(PathOf(name), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable("read", e);
        }
    }

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            File.Delete(PathOf(name));
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing to delete.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable("deleted", e);
        }

        return Task.CompletedTask;
    }

    public void Dispose()
    {
    }

    private string PathOf(string name) => Path.Combine(_root, BlobName.Require(name));

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is left of a file that could not be written disturbs nobody.
        }
    }

    private static MlflowException Unavailable(string done, Exception e) =>
        new(ErrorCode.TEMPORARILY_UNAVAILABLE, $"A large content cannot be {done} now: {e.Message} Look at the folder of --blobs-destination and its disk.", e);
}
