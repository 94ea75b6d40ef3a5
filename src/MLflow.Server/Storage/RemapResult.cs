namespace MLflow.Server.Storage;

/// <summary>What came of mapping some stored spans again.</summary>
/// <param name="IsMore">More spans are left.</param>
/// <param name="Failed">Spans that could not be mapped and stay as they were.</param>
/// <param name="Failure">Why the first of them could not.</param>
internal sealed record RemapResult(bool IsMore, int Failed = 0, Exception? Failure = null);
