namespace MLflow;

/// <summary>What was seen of a file in a form while it was sent.</summary>
/// <param name="SizeBytes">Its size.</param>
/// <param name="Sha256">Its hash, in hexadecimal; null where it was too large to be hashed while it passed.</param>
internal readonly record struct FilePart(long SizeBytes, string? Sha256);
