using MLflow.Server.Blobs;
using Xunit;

namespace MLflow.Server.Tests.Blobs;

public sealed class FolderBlobsTests : BlobStoreConformance
{
    private readonly TemporaryFolder _folder = new();

    private protected override Task<IBlobStore> OpenAsync() => Task.FromResult<IBlobStore>(new FolderBlobs(_folder.File("blobs")));

    protected override Task CloseAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Write_LeavesTheFileAlone()
    {
        var name = BlobName.New(BlobName.HashOf([5]));

        await Store.WriteAsync(name, new byte[] { 5 }, Cancellation);

        var file = Assert.Single(Directory.GetFiles(_folder.File("blobs"), "*", SearchOption.AllDirectories));
        Assert.Equal(Path.GetFullPath(Path.Combine(_folder.File("blobs"), name)), file);
    }

    [Fact]
    public async Task Write_WhereTheFolderIsAFile_SaysWhatToLookAt()
    {
        await File.WriteAllTextAsync(_folder.File("blobs"), "", Cancellation);

        var e = await Assert.ThrowsAsync<MlflowException>(() => Store.WriteAsync(BlobName.New(BlobName.HashOf([6])), new byte[] { 6 }, Cancellation));

        Assert.Equal(ErrorCode.TEMPORARILY_UNAVAILABLE, e.ErrorCode);
        Assert.Contains("--blobs-destination", e.Message, StringComparison.Ordinal);
    }
}
