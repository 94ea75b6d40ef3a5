using MLflow.Server.Blobs;
using Xunit;

namespace MLflow.Server.Tests.Blobs;

public sealed class BlobSettingsTests
{
    [Theory]
    [InlineData("gs://bucket")]
    [InlineData("s3://")]
    [InlineData("s3://Bucket")]
    [InlineData("s3://bucket/../other")]
    [InlineData("s3://bucket/a?b")]
    [InlineData("wasbs://container")]
    [InlineData("azure://c")]
    public void Parse_ADestinationThatIsNone_SaysWhatToUse(string destination)
    {
        var mistake = Assert.Single(Parse(new() { Destination = destination, AzureConnectionString = "UseDevelopmentStorage=true" }));

        Assert.StartsWith($"--blobs-destination '{destination}' is not understood: use a folder, s3://bucket/prefix", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Mistakes_AreToldWithoutSecrets()
    {
        List<string> mistakes =
        [
            .. Parse(new() { Destination = "http://user:secret@host/x", FromBytes = 5 }),
            .. Parse(new() { Destination = "s3://bucket", S3AccessKey = "secret", S3EndpointUrl = "http://user:secret@host" }),
        ];

        Assert.Equal(4, mistakes.Count);
        Assert.DoesNotContain(mistakes, mistake => mistake.Contains("secret", StringComparison.Ordinal));
        Assert.Contains("--blobs-from-bytes 5 is out of range: it must be 1024 to 1073741824, or 0 for never.", mistakes);
    }

    [Fact]
    public void Parse_AzureWithoutCredentials_SaysWhichToSet() =>
        Assert.Contains("AZURE_STORAGE_CONNECTION_STRING", Assert.Single(Parse(new() { Destination = "wasbs://traces@account.blob.core.windows.net/x" })), StringComparison.Ordinal);

    [Theory]
    [InlineData(null)]
    [InlineData("folder")]
    [InlineData("file:///folder")]
    [InlineData("s3://bucket.name/a/b/")]
    public void Parse_Destinations_AreTaken(string? destination) => Assert.Empty(Parse(new() { Destination = destination }));

    private static List<string> Parse(MlflowBlobOptions options)
    {
        var mistakes = new List<string>();
        BlobDestination.Parse(options, "artifacts", mistakes);
        return mistakes;
    }
}
