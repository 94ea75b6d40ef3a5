using Azure;
using Azure.Core;
using Azure.Storage;
using Azure.Storage.Blobs;

namespace MLflow.Server.Blobs;

/// <summary>Contents as blobs of a container in Azure.</summary>
internal sealed class AzureBlobs : IBlobStore
{
    private readonly BlobContainerClient _container;
    private readonly string _prefix;

    /// <param name="account">The account's address, for example <c>https://account.blob.core.windows.net</c>; of no account when there is a connection string.</param>
    /// <param name="container">The container.</param>
    /// <param name="prefix">What stands before each name; empty, or ends with a slash.</param>
    /// <param name="options">Credentials.</param>
    public AzureBlobs(Uri account, string container, string prefix, MlflowBlobOptions options)
    {
        _prefix = prefix;
        var client = new BlobClientOptions { Retry = { MaxRetries = 3, NetworkTimeout = TimeSpan.FromMinutes(2), Mode = RetryMode.Exponential } };
        _container = options.AzureConnectionString is { Length: > 0 } connection
            ? new BlobContainerClient(connection, container, client)
            : new BlobContainerClient(new Uri(account, container), new StorageSharedKeyCredential(account.Host.Split('.')[0], options.AzureAccessKey), client);
    }

    public async Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        await TellAsync("written", () => BlobOf(name).UploadAsync(new BinaryData(content), overwrite: true, cancellationToken), cancellationToken).ConfigureAwait(false);

    public Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) => TellAsync<byte[]?>(
        "read",
        async () =>
        {
            try
            {
                return (await BlobOf(name).DownloadContentAsync(cancellationToken).ConfigureAwait(false)).Value.Content.ToArray();
            }
            catch (RequestFailedException e) when (e.Status == 404 && e.ErrorCode != "ContainerNotFound")
            {
                return null;
            }
        },
        cancellationToken);

    public async Task DeleteAsync(string name, CancellationToken cancellationToken) =>
        await TellAsync("deleted", () => BlobOf(name).DeleteIfExistsAsync(cancellationToken: cancellationToken), cancellationToken).ConfigureAwait(false);

    public void Dispose()
    {
    }

    private BlobClient BlobOf(string name) => _container.GetBlobClient(_prefix + BlobName.Require(name));

    private async Task<T> TellAsync<T>(string done, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException or HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Azure's messages repeat the whole answer with its headers; the code says as much.
            var reason = e is RequestFailedException { ErrorCode.Length: > 0 } failed ? failed.ErrorCode : e.GetType().Name;
            throw new MlflowException(ErrorCode.TEMPORARILY_UNAVAILABLE, $"A large content cannot be {done} now: container '{_container.Name}' of --blobs-destination answers {reason}.", e);
        }
    }
}
