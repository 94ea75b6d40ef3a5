namespace MLflow.Server.Access;

/// <summary>What a user may do with an experiment and all that is in it; each includes those before it.</summary>
internal enum Permission
{
    None,
    Read,
    Edit,
    Manage,
}
