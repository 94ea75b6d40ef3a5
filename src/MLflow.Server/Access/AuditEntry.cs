namespace MLflow.Server.Access;

/// <summary>Who did what, when, from where, and how it ended.</summary>
/// <param name="TimeMs">When.</param>
/// <param name="Actor">A user's name, or how the command line was used; null for nobody known.</param>
/// <param name="Action">One of <see cref="AuditAction"/>.</param>
/// <param name="Target">The user, token, experiment, trace or route.</param>
/// <param name="Address">From where; null for the command line.</param>
/// <param name="Result">One of <see cref="AuditResult"/>, or a figure.</param>
internal sealed record AuditEntry(long TimeMs, string? Actor, string Action, string? Target, string? Address, string Result);
