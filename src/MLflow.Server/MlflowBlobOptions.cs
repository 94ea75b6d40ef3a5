namespace MLflow.Server;

/// <summary>Where media and large contents of spans are kept, and archived traces, outside of the database.</summary>
public sealed class MlflowBlobOptions
{
    /// <summary>
    /// A folder, <c>s3://bucket/prefix</c>, <c>wasbs://container@account.blob.core.windows.net/prefix</c>, or <c>azure://container/prefix</c> with a connection string.
    /// Default none: a folder within that of the artifacts. Two databases may share one; two copies of one database must not.
    /// </summary>
    public string? Destination { get; set; }

    /// <summary>Bytes from which media in a span, and the rest of it after compression, are kept there; 0 for never. At least 1024. Default 64 KiB.</summary>
    public int FromBytes { get; set; } = 64 * 1024;

    /// <summary>The address of a store that speaks as S3 does, for example <c>http://minio:9000</c>. Default none: S3 itself.</summary>
    public string? S3EndpointUrl { get; set; }

    /// <summary>The bucket's region. Default none: as the environment says to AWS' programs.</summary>
    public string? S3Region { get; set; }

    /// <summary>Goes with <see cref="S3SecretKey"/>. Default none: credentials are found as by AWS' programs (environment, profile, role of the machine).</summary>
    public string? S3AccessKey { get; set; }

    /// <summary>Goes with <see cref="S3AccessKey"/>.</summary>
    public string? S3SecretKey { get; set; }

    /// <summary>Of credentials that hold for a while. Default none.</summary>
    public string? S3SessionToken { get; set; }

    /// <summary>Account and key of Azure's storage in one text. Default none.</summary>
    public string? AzureConnectionString { get; set; }

    /// <summary>The key of the account that the destination names. Default none.</summary>
    public string? AzureAccessKey { get; set; }
}
