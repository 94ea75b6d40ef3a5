namespace MLflow;

/// <summary>What is allowed in a scope of secrets.</summary>
public enum DatabricksSecretAccess
{
    /// <summary>To read values and list keys.</summary>
    Read,

    /// <summary>To store and delete, too.</summary>
    Write,

    /// <summary>To change permissions and delete the scope, too.</summary>
    Manage,
}
