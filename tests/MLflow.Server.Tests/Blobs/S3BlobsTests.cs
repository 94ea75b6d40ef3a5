using MLflow.Server.Blobs;
using Xunit;

namespace MLflow.Server.Tests.Blobs;

public sealed class S3BlobsTests : BlobStoreConformance
{
    private StoreProcess? _process;

    private protected override async Task<IBlobStore> OpenAsync()
    {
        _process = await StoreProcess.StartS3Async("traces");
        return Open("s3://traces/mlflow");
    }

    protected override async Task CloseAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }

    [Fact]
    public async Task Write_ToABucketThatIsNotThere_SaysSoWithoutTheKey()
    {
        using var store = Open("s3://nobody");

        var e = await Assert.ThrowsAsync<MlflowException>(() => store.WriteAsync(BlobName.New(BlobName.HashOf([1])), new byte[] { 1 }, Cancellation));

        Assert.Equal("A large content cannot be written now: bucket 'nobody' of --blobs-destination answers NoSuchBucket.", e.Message);
    }

    [Fact]
    public async Task Server_KeepsLargeContentsThere_AndRefusesABucketThatIsNotThere()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder, "s3://traces");
        await using (var server = await MlflowServer.StartAsync(options, Cancellation))
        {
            await LargeTrace.WriteAndReadAsync(server);
        }

        Assert.False(Directory.Exists(Path.Combine(folder.File("artifacts"), BlobDestination.DefaultFolder)));
        var e = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowServer.StartAsync(Options(folder, "s3://nobody"), Cancellation));
        Assert.Contains("NoSuchBucket", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("S3RVER", e.ToString(), StringComparison.Ordinal);
    }

    private IBlobStore Open(string destination)
    {
        var mistakes = new List<string>();
        var parsed = BlobDestination.Parse(Blobs(destination), "artifacts", mistakes);
        Assert.Empty(mistakes);
        return parsed.Open();
    }

    private MlflowBlobOptions Blobs(string destination) =>
        new() { Destination = destination, S3EndpointUrl = $"http://127.0.0.1:{_process!.Port}", S3AccessKey = "S3RVER", S3SecretKey = "S3RVER" };

    private MlflowServerOptions Options(TemporaryFolder folder, string destination) => new()
    {
        Port = 0,
        OtlpGrpcPort = null,
        BackendStoreUri = "sqlite:///" + folder.File("mlflow.db"),
        ArtifactsDestination = folder.File("artifacts"),
        Blobs = Blobs(destination),
    };
}
