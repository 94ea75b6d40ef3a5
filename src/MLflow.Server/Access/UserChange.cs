namespace MLflow.Server.Access;

/// <summary>What to change of a user; null for what stays.</summary>
/// <param name="PasswordHash">Ends the user's sessions, too.</param>
/// <param name="IsAdmin">Whether they may do everything.</param>
/// <param name="DefaultPermission">For experiments of which nothing else is said.</param>
internal sealed record UserChange(string? PasswordHash = null, bool? IsAdmin = null, Permission? DefaultPermission = null);
