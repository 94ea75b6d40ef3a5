namespace MLflow.Server.Conventions;

/// <summary>Where a number of tokens stands.</summary>
/// <param name="Part">What it counts.</param>
/// <param name="Key">The attribute.</param>
/// <param name="Member">A member of the object that the attribute holds; null for the attribute itself.</param>
internal sealed record UsageRow(UsagePart Part, string Key, string? Member = null);
