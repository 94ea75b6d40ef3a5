using Azure.Storage.Blobs;
using MLflow.Server.Blobs;
using Xunit;

namespace MLflow.Server.Tests.Blobs;

public sealed class AzureBlobsTests : BlobStoreConformance
{
    // Azurite's own account, which is public.
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private StoreProcess? _process;

    private string Connection => $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{_process!.Port}/{Account};";

    private protected override async Task<IBlobStore> OpenAsync()
    {
        _process = await StoreProcess.StartAzureAsync();
        await new BlobServiceClient(Connection).CreateBlobContainerAsync("traces", cancellationToken: Cancellation);
        return Open("azure://traces/mlflow");
    }

    protected override async Task CloseAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }

    [Fact]
    public async Task Write_ToAContainerThatIsNotThere_SaysSoWithoutTheKey()
    {
        using var store = Open("azure://nobody");

        var e = await Assert.ThrowsAsync<MlflowException>(() => store.WriteAsync(BlobName.New(BlobName.HashOf([1])), new byte[] { 1 }, Cancellation));

        Assert.Equal("A large content cannot be written now: container 'nobody' of --blobs-destination answers ContainerNotFound.", e.Message);
    }

    private IBlobStore Open(string destination)
    {
        var mistakes = new List<string>();
        var parsed = BlobDestination.Parse(new MlflowBlobOptions { Destination = destination, AzureConnectionString = Connection }, "artifacts", mistakes);
        Assert.Empty(mistakes);
        return parsed.Open();
    }
}
