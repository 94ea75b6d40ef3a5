namespace MLflow.Server.Access;

/// <summary>A browser that has signed in.</summary>
/// <param name="KeyHash">SHA-256 of the key in its cookie.</param>
/// <param name="UserId">Who.</param>
/// <param name="CreatedMs">Since when.</param>
/// <param name="ExpiresMs">Until when.</param>
internal sealed record Session(byte[] KeyHash, long UserId, long CreatedMs, long ExpiresMs);
