namespace MLflow.Server.Storage.Postgres;

/// <summary>How far the database's SQL can tell whether a condition holds.</summary>
internal enum SqlReach
{
    None,

    /// <summary>It finds all rows for which it holds, and may find others.</summary>
    Superset,
    Exact,
}
