namespace MLflow.Server.Blobs;

/// <summary>What came of reading a content.</summary>
/// <param name="Bytes">The content; null where it could not be had.</param>
/// <param name="Fault">Why not, as a part of a sentence; null where it could.</param>
internal sealed record BlobContent(byte[]? Bytes, string? Fault)
{
    /// <summary>Whether only the store could not be reached: the content may be had later.</summary>
    public bool IsUnreachable { get; private init; }

    /// <summary>Reads a content and looks at it; never throws for what is wrong with it or its store.</summary>
    public static async Task<BlobContent> ReadAsync(IBlobStore store, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAsync(BlobName.Require(name), cancellationToken).ConfigureAwait(false) switch
            {
                null => new(null, "it is not in the blob store any more"),
                var bytes when BlobName.HashOf(bytes) == BlobName.HashIn(name) => new(bytes, null),
                _ => new(null, "what the blob store has of it is damaged"),
            };
        }
        catch (MlflowException e)
        {
            return new(null, e.Message.TrimEnd('.')) { IsUnreachable = true };
        }
        catch (ArgumentException e)
        {
            return new(null, e.Message.TrimEnd('.'));
        }
    }
}
