using System.Globalization;
using System.Security.Cryptography;

namespace MLflow.Server.Artifacts;

/// <summary>
/// Uploads in parts: the id of one is a secret, and whoever has it may write its parts, as with the signed addresses that MLflow's servers give.
/// Parts are files in a folder of the upload; what nobody completes is deleted when another upload begins a day later.
/// </summary>
internal sealed class ArtifactUploads
{
    /// <summary>Parts of one upload, as in S3.</summary>
    public const int MaxParts = 10_000;

    private const int IdBytes = 32;
    private const string PathFile = "path";

    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(1);

    private readonly ArtifactFolder _artifacts;
    private readonly TimeProvider _timeProvider;

    public ArtifactUploads(ArtifactFolder artifacts, TimeProvider timeProvider)
    {
        _artifacts = artifacts;
        _timeProvider = timeProvider;
    }

    /// <summary>Begins an upload and returns its id.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a path that cannot be, or a number of parts out of range. TEMPORARILY_UNAVAILABLE: the disk is full or fails.</exception>
    public string Create(string path, long parts)
    {
        ArtifactPath.CheckFile(path);
        if (parts is < 1 or > MaxParts)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {parts} for parameter 'num_parts' supplied: it must be 1 to {MaxParts}.");
        }

        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        try
        {
            DeleteOld();
            Directory.CreateDirectory(FolderOf(id));
            File.WriteAllText(Path.Combine(FolderOf(id), PathFile), path);
            return id;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ArtifactFolder.Unavailable(e);
        }
    }

    /// <summary>Stores a part, replacing what was sent for it before.</summary>
    /// <returns>The tag by which <see cref="CompleteAsync"/> knows it.</returns>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: no such upload. INVALID_PARAMETER_VALUE: the number is out of range.</exception>
    public Task<string> WritePartAsync(string uploadId, int number, Stream content, CancellationToken cancellationToken)
    {
        var folder = Require(uploadId);
        if (number is < 1 or > MaxParts)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {number} for parameter 'part_number' supplied: it must be 1 to {MaxParts}.");
        }

        return _artifacts.WriteAsideAsync(content, file => File.Move(file, PartFile(folder, number), overwrite: true), cancellationToken);
    }

    /// <summary>Makes an artifact of the parts, in the order of their numbers. All parts that are told must be there as they are told.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: no such upload. INVALID_PARAMETER_VALUE: another path, or a part that is missing or not the one that was told. The upload stays. TEMPORARILY_UNAVAILABLE: the disk is full or fails.</exception>
    public async Task CompleteAsync(string path, string uploadId, IReadOnlyList<ArtifactPart> parts, CancellationToken cancellationToken)
    {
        var folder = RequireFor(path, uploadId);
        if (parts.Count == 0 || parts.DistinctBy(part => part.Number).Count() != parts.Count)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Invalid value for parameter 'parts' supplied: it must have each part once, and at least one.");
        }

        await _artifacts.WriteAsideAsync(
            async target =>
            {
                foreach (var part in parts.OrderBy(part => part.Number))
                {
                    await AppendAsync(target, folder, part, cancellationToken).ConfigureAwait(false);
                }
            },
            whole => _artifacts.Place(whole, path)).ConfigureAwait(false);
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The artifact is in its place; the parts go with what nobody completes.
        }
    }

    /// <summary>Forgets an upload with its parts.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: no such upload. INVALID_PARAMETER_VALUE: it is of another path.</exception>
    public void Abort(string path, string uploadId) => Directory.Delete(RequireFor(path, uploadId), recursive: true);

    private static string PartFile(string folder, int number) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"part-{number}"));

    private static async Task AppendAsync(FileStream target, string folder, ArtifactPart part, CancellationToken cancellationToken)
    {
        var path = PartFile(folder, part.Number);
        if (!File.Exists(path))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Part {part.Number} of the upload has not come; send it, or abort the upload.");
        }

        await using var source = File.OpenRead(path);
        var tag = Convert.ToHexStringLower(await SHA256.HashDataAsync(source, cancellationToken).ConfigureAwait(false));
        if (part.Tag.Trim('"') != tag)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Part {part.Number} of the upload has the tag '{tag}', not '{part.Tag}'; send it again.");
        }

        source.Position = 0;
        await source.CopyToAsync(target, cancellationToken).ConfigureAwait(false);
    }

    private string RequireFor(string path, string uploadId)
    {
        var folder = Require(uploadId);
        return File.ReadAllText(Path.Combine(folder, PathFile)) == path
            ? folder
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The upload is not one of '{path}'.");
    }

    private string Require(string uploadId) =>
        uploadId.Length == 2 * IdBytes && uploadId.All(char.IsAsciiHexDigitLower) && Directory.Exists(FolderOf(uploadId))
            ? FolderOf(uploadId)
            : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, "There is no such upload: it was completed or aborted, or is older than a day.");

    private string FolderOf(string uploadId) => Path.Combine(_artifacts.Uploads, uploadId);

    private void DeleteOld()
    {
        var uploads = new DirectoryInfo(_artifacts.Uploads);
        if (!uploads.Exists)
        {
            return;
        }

        var oldest = _timeProvider.GetUtcNow().UtcDateTime - MaxAge;
        foreach (var upload in uploads.EnumerateFileSystemInfos().Where(entry => entry.LastWriteTimeUtc < oldest).ToList())
        {
            (upload as DirectoryInfo)?.Delete(recursive: true);
            (upload as FileInfo)?.Delete();
        }
    }
}
