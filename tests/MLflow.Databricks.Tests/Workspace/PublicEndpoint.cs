namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Marks what answers without credentials.</summary>
internal sealed class PublicEndpoint
{
    public static readonly PublicEndpoint Mark = new();
}
