using System.Security.Cryptography;
using MLflow.Server.Blobs;
using Xunit;

namespace MLflow.Server.Tests.Blobs;

/// <summary>What every <see cref="IBlobStore"/> must do.</summary>
public abstract class BlobStoreConformance : IAsyncLifetime
{
    private protected IBlobStore Store { get; private set; } = null!;

    protected static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        Store?.Dispose();
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<IBlobStore> OpenAsync();

    protected abstract Task CloseAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3_000_001)]
    public async Task Write_AnySize_IsReadBack(int size)
    {
        var content = RandomNumberGenerator.GetBytes(size);
        var name = BlobName.New(BlobName.HashOf(content));

        await Store.WriteAsync(name, content, Cancellation);

        Assert.Equal(content, await Store.ReadAsync(name, Cancellation));
    }

    [Fact]
    public async Task Write_Again_ChangesNothing()
    {
        var name = BlobName.New(BlobName.HashOf([1, 2]));
        await Store.WriteAsync(name, new byte[] { 1, 2 }, Cancellation);

        await Store.WriteAsync(name, new byte[] { 1, 2 }, Cancellation);

        Assert.Equal([1, 2], await Store.ReadAsync(name, Cancellation));
    }

    [Fact]
    public async Task Read_OfNone_IsNull() => Assert.Null(await Store.ReadAsync(BlobName.New(BlobName.HashOf([3])), Cancellation));

    [Fact]
    public async Task Delete_Deletes_AndDoesNothingWhereThereIsNone()
    {
        var name = BlobName.New(BlobName.HashOf([4]));
        await Store.WriteAsync(name, new byte[] { 4 }, Cancellation);

        await Store.DeleteAsync(name, Cancellation);
        await Store.DeleteAsync(name, Cancellation);

        Assert.Null(await Store.ReadAsync(name, Cancellation));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("ab/cd/../x")]
    [InlineData("")]
    [InlineData("AB/CD/ABCD")]
    public async Task AnyCall_WithANameThatIsNotOurs_IsRefused(string name)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.WriteAsync(name, new byte[] { 1 }, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ReadAsync(name, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(name, Cancellation));
    }
}
