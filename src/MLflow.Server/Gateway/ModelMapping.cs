namespace MLflow.Server.Gateway;

/// <summary>A model of an endpoint.</summary>
/// <param name="MappingId">Unique.</param>
/// <param name="ModelId">The model.</param>
/// <param name="Weight">Its part of the calls among those that are no fallback; 0 for none.</param>
/// <param name="IsFallback">Whether it is asked only where others failed.</param>
/// <param name="FallbackOrder">The lowest is asked first.</param>
/// <param name="CreatedMs">When it was added.</param>
/// <param name="CreatedBy">By whom.</param>
internal sealed record ModelMapping(string MappingId, string ModelId, double Weight, bool IsFallback, int FallbackOrder, long CreatedMs, string? CreatedBy);
