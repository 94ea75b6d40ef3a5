namespace MLflow;

/// <summary>A way into a workspace.</summary>
/// <param name="Name">As <c>DATABRICKS_AUTH_TYPE</c> has it.</param>
/// <param name="IsThere">Whether there is what it needs. Makes no request.</param>
/// <param name="LookedFor">What was looked for and where, for messages; no values.</param>
internal sealed record CredentialMethod(string Name, Func<DatabricksConfig, bool> IsThere, Func<DatabricksConfig, string> LookedFor);
