namespace MLflow.Server.Access;

/// <summary>What a token is for, at most: it never does more than its user may.</summary>
public enum TokenScope
{
    /// <summary>Sends traces and reads none.</summary>
    Ingest,

    Read,

    /// <summary>Reads, sends, changes and deletes what is in experiments.</summary>
    Write,

    /// <summary>All that its user may.</summary>
    Admin,
}
