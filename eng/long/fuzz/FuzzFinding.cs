namespace MLflow.Fuzz;

/// <summary>An input that breaks a promise.</summary>
/// <param name="Target">Whose.</param>
/// <param name="What">What happened, in a line.</param>
/// <param name="Detail">The exception with its stack.</param>
internal sealed record FuzzFinding(string Target, string What, string Detail);
