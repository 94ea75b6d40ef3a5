namespace MLflow;

/// <summary>What somebody may do with a scope of secrets.</summary>
/// <param name="Principal">A user, a service principal by its application id, or a group; <c>users</c> is everybody.</param>
/// <param name="Permission">What is allowed.</param>
public sealed record DatabricksSecretAcl(string Principal, DatabricksSecretAccess Permission);
