namespace MLflow.Server.Access.Http;

/// <summary>What came of looking at a name and a password.</summary>
/// <param name="User">Whose they are; null when they do not belong together.</param>
/// <param name="IsNew">Whether it was found out now; false when it was remembered.</param>
/// <param name="Wait">How long there are no more attempts; null when they were looked at.</param>
internal sealed record PasswordFinding(User? User, bool IsNew, TimeSpan? Wait);
