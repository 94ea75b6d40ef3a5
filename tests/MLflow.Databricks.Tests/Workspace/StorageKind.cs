namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Kinds of storage that documents of traces are uploaded to, named and numbered as fact sheet §1.9 has them.</summary>
internal enum StorageKind
{
#pragma warning disable CA1707 // The names are those of the API.
    AZURE_SAS_URI = 1,
    AWS_PRESIGNED_URL = 2,
    GCP_SIGNED_URL = 3,
    AZURE_ADLS_GEN2_SAS_URI = 4,
#pragma warning restore CA1707
}
