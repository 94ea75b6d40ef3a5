using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace MLflow.Server.Blobs;

/// <summary>Contents as objects of a bucket in S3, or in a store that speaks as S3 does.</summary>
internal sealed class S3Blobs : IBlobStore
{
    private readonly AmazonS3Client _client;
    private readonly string _bucket;
    private readonly string _prefix;

    /// <param name="bucket">The bucket.</param>
    /// <param name="prefix">What stands before each name; empty, or ends with a slash.</param>
    /// <param name="options">Address and credentials.</param>
    public S3Blobs(string bucket, string prefix, MlflowBlobOptions options)
    {
        (_bucket, _prefix) = (bucket, prefix);
        var config = new AmazonS3Config { MaxErrorRetry = 3, Timeout = TimeSpan.FromMinutes(2) };
        if (options.S3EndpointUrl is { Length: > 0 } endpoint)
        {
            // Other stores know neither addresses with the bucket's name in the host nor the checksums that AWS has added since.
            config.ServiceURL = endpoint;
            config.ForcePathStyle = true;
            config.AuthenticationRegion = options.S3Region ?? "us-east-1";
            config.RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED;
            config.ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED;
        }
        else if (options.S3Region is { Length: > 0 } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        _client = options is { S3AccessKey: { } key, S3SecretKey: { } secret }
            ? new AmazonS3Client(options.S3SessionToken is { Length: > 0 } token ? new SessionAWSCredentials(key, secret, token) : new BasicAWSCredentials(key, secret), config)
            : new AmazonS3Client(config);
    }

    public async Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        var request = new PutObjectRequest { BucketName = _bucket, Key = KeyOf(name), InputStream = stream, ContentType = "application/octet-stream", UseChunkEncoding = false };
        await TellAsync("written", () => _client.PutObjectAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    public Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) => TellAsync<byte[]?>(
        "read",
        async () =>
        {
            try
            {
                using var response = await _client.GetObjectAsync(_bucket, KeyOf(name), cancellationToken).ConfigureAwait(false);
                using var content = new MemoryStream();
                await response.ResponseStream.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
                return content.ToArray();
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket")
            {
                return null;
            }
        },
        cancellationToken);

    public async Task DeleteAsync(string name, CancellationToken cancellationToken) =>
        await TellAsync("deleted", () => _client.DeleteObjectAsync(_bucket, KeyOf(name), cancellationToken), cancellationToken).ConfigureAwait(false);

    public void Dispose() => _client.Dispose();

    private string KeyOf(string name) => _prefix + BlobName.Require(name);

    private async Task<T> TellAsync<T>(string done, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // S3's messages name the access key at worst, which is no secret; the code says as much.
            var reason = e is AmazonServiceException { ErrorCode.Length: > 0 } service ? service.ErrorCode : e.GetType().Name;
            throw new MlflowException(ErrorCode.TEMPORARILY_UNAVAILABLE, $"A large content cannot be {done} now: bucket '{_bucket}' of --blobs-destination answers {reason}.", e);
        }
    }
}
