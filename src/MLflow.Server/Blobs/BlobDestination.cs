using System.Text.RegularExpressions;

namespace MLflow.Server.Blobs;

/// <summary>A checked destination of contents. No message of it has credentials.</summary>
internal sealed partial class BlobDestination
{
    /// <summary>The folder within that of the artifacts which is the default.</summary>
    public const string DefaultFolder = ".mlflow-blobs";

    private const int LeastFromBytes = 1024;
    private const int MostFromBytes = 1024 * 1024 * 1024;

    private readonly Func<IBlobStore> _open;

    private BlobDestination(string shown, int fromBytes, bool isRemote, Func<IBlobStore> open) => (Shown, FromBytes, IsRemote, _open) = (shown, fromBytes, isRemote, open);

    /// <summary>As the settings name it.</summary>
    public string Shown { get; }

    /// <summary>Bytes from which contents go there; 0 for never.</summary>
    public int FromBytes { get; }

    /// <summary>Whether somebody else keeps it, so that it is tried at the start.</summary>
    public bool IsRemote { get; }

    public IBlobStore Open() => _open();

    /// <summary>Adds a sentence for each mistake.</summary>
    public static BlobDestination Parse(MlflowBlobOptions options, string artifactsFolder, List<string> mistakes)
    {
        if (options.FromBytes is not 0 and (< LeastFromBytes or > MostFromBytes))
        {
            mistakes.Add($"--blobs-from-bytes {options.FromBytes} is out of range: it must be {LeastFromBytes} to {MostFromBytes}, or 0 for never.");
        }

        var isS3 = options.Destination?.StartsWith("s3:", StringComparison.Ordinal) == true;
        if (isS3 && string.IsNullOrEmpty(options.S3AccessKey) != string.IsNullOrEmpty(options.S3SecretKey))
        {
            mistakes.Add("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both, or neither.");
        }

        if (isS3 && options.S3EndpointUrl is { Length: > 0 } endpoint
            && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri is { UserInfo: "", Query: "" }))
        {
            mistakes.Add("MLFLOW_S3_ENDPOINT_URL is not understood: use an address as http://minio:9000, without credentials in it.");
        }

        return options.Destination switch
        {
            null or "" => Folder(Path.Combine(artifactsFolder, DefaultFolder), options),
            { } s3 when s3.StartsWith("s3:", StringComparison.Ordinal) => S3(s3, options, mistakes),
            { } azure when azure.StartsWith("wasbs:", StringComparison.Ordinal) || azure.StartsWith("azure:", StringComparison.Ordinal) => Azure(azure, options, mistakes),
            { } file when Uri.TryCreate(file, UriKind.Absolute, out var address) && address.IsFile => Folder(address.LocalPath, options),
            { } other when other.Contains("://", StringComparison.Ordinal) => Wrong(other, mistakes),
            { } folder => Folder(Path.GetFullPath(folder), options),
        };
    }

    private static BlobDestination Folder(string folder, MlflowBlobOptions options) => new(folder, options.FromBytes, isRemote: false, () => new FolderBlobs(folder));

    private static BlobDestination S3(string destination, MlflowBlobOptions options, List<string> mistakes) => S3Address().Match(destination) is { Success: true } match
        ? new(destination, options.FromBytes, isRemote: true, () => OpenedS3(() => new S3Blobs(match.Groups["bucket"].Value, Prefix(match), options)))
        : Wrong(destination, mistakes);

    private static BlobDestination Azure(string destination, MlflowBlobOptions options, List<string> mistakes)
    {
        if (AzureAddress().Match(destination) is not { Success: true } match)
        {
            return Wrong(destination, mistakes);
        }

        var account = match.Groups["account"];
        if (string.IsNullOrEmpty(options.AzureConnectionString) && (!account.Success || string.IsNullOrEmpty(options.AzureAccessKey)))
        {
            mistakes.Add($"--blobs-destination '{destination}' needs credentials: set AZURE_STORAGE_CONNECTION_STRING, or name the account (wasbs://) and set AZURE_STORAGE_ACCESS_KEY.");
        }

        var address = new Uri($"https://{(account.Success ? account.Value : "none.invalid")}");
        return new(destination, options.FromBytes, isRemote: true, () => Opened(() => new AzureBlobs(address, match.Groups["container"].Value, Prefix(match), options)));
    }

    private static S3Blobs OpenedS3(Func<S3Blobs> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is Amazon.Runtime.AmazonClientException or ArgumentException)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "there is no client for S3: give --s3-region (AWS_REGION), or --s3-endpoint-url for another store.", e);
        }
    }

    // The message of a wrong connection string may quote it.
    private static AzureBlobs Opened(Func<AzureBlobs> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCESS_KEY cannot be read: copy it again from the storage account.");
        }
    }

    private static string Prefix(Match match) => match.Groups["prefix"].Value.Trim('/') is { Length: > 0 } prefix ? prefix + "/" : "";

    private static BlobDestination Wrong(string destination, List<string> mistakes)
    {
        // It may have credentials before an @.
        var shown = destination.Contains('@', StringComparison.Ordinal) ? destination[..destination.IndexOf(':', StringComparison.Ordinal)] + "://…" : destination;
        mistakes.Add($"--blobs-destination '{shown}' is not understood: use a folder, s3://bucket/prefix, wasbs://container@account.blob.core.windows.net/prefix, or azure://container/prefix.");
        return new(shown, 0, isRemote: false, () => throw new InvalidOperationException("It is no destination."));
    }

    [GeneratedRegex("^(?!.*/\\.{1,2}(/|$))s3://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?<prefix>(/[A-Za-z0-9!_.*'()-]+)*)/?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex S3Address();

    [GeneratedRegex("^(?!.*/\\.{1,2}(/|$))(wasbs://(?<container>[a-z0-9-]{3,63})@(?<account>[a-z0-9]{3,24}\\.[a-z0-9.-]+)|azure://(?<container>[a-z0-9-]{3,63}))(?<prefix>(/[A-Za-z0-9!_.*'()-]+)*)/?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex AzureAddress();
}
