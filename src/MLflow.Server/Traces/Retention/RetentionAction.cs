namespace MLflow.Server.Traces.Retention;

/// <summary>What happens to a trace that has expired.</summary>
internal enum RetentionAction
{
    /// <summary>It is deleted with all that belongs to it.</summary>
    Delete,

    /// <summary>Its spans move to the blob store, and it can be found and opened as before.</summary>
    Archive,
}
