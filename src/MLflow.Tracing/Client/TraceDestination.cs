namespace MLflow;

/// <summary>Where a trace goes: decided when it begins, so that a later change of settings never sends it elsewhere.</summary>
/// <param name="TrackingUri">Base address of the server, without a trailing slash.</param>
/// <param name="ExperimentName">Name of the experiment, or null where <paramref name="ExperimentId"/> is set.</param>
/// <param name="ExperimentId">Id of the experiment, or a place in Unity Catalog (<see cref="CatalogLocation"/>), or null where it is known by name.</param>
internal sealed record TraceDestination(Uri TrackingUri, string? ExperimentName, string? ExperimentId)
{
    /// <summary>The id of a trace as the server has it: in Unity Catalog it says where the trace lies.</summary>
    /// <param name="hex">32 hexadecimal digits.</param>
    public string TraceIdOf(string hex) =>
        DatabricksUri.IsDatabricks(TrackingUri) && CatalogLocation.TryParse(ExperimentId, out var place) ? $"{CatalogLocation.IdScheme}{place.Id}/{hex}" : "tr-" + hex;
}
