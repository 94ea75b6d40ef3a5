namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Requests that share a quota. Fact sheet §1.12.</summary>
internal enum QuotaGroup
{
    /// <summary>Creation of traces: 200 in a second.</summary>
    CreateTraces,

    /// <summary>Reading of traces: 200 in a second.</summary>
    GetTraces,

    /// <summary>Searching: 25 in a second.</summary>
    SearchTraces,

    /// <summary>Calls of served models.</summary>
    ServeModels,
}
