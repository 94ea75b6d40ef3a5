using MLflow.Server.Access;

namespace MLflow.Server.Experiments;

/// <summary>A search for experiments.</summary>
public sealed record ExperimentQuery
{
    /// <summary>MLflow's filter grammar over <c>name</c>, <c>creation_time</c>, <c>last_update_time</c> and <c>tags.k</c>; null or empty for all.</summary>
    public string? Filter { get; init; }

    public IReadOnlyList<string> OrderBy { get; init; } = [];

    public bool IncludeActive { get; init; } = true;

    public bool IncludeDeleted { get; init; }

    /// <summary>1 to 50,000.</summary>
    public int PageSize { get; init; } = 1000;

    public string? PageToken { get; init; }

    /// <summary>Only these; null for no such bound.</summary>
    internal ExperimentSet? Among { get; init; }
}
