namespace MLflow.Tests.Databricks.Workspace;

/// <summary>A request that no sheet lists: it is refused, and the test that caused it can see so.</summary>
internal sealed class UnlistedRequestException(string message) : Exception(message);
