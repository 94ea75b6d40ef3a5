namespace MLflow.Server.Runs;

/// <summary>A search for runs.</summary>
public sealed record RunQuery
{
    /// <summary>The most that a page may hold (MLflow's own limit).</summary>
    public const int MaxPageSize = 50_000;

    public required IReadOnlyList<long> ExperimentIds { get; init; }

    /// <summary>MLflow's filter grammar over <c>attributes</c>, <c>tags</c>, <c>params</c> and <c>metrics</c>; null or empty for all.</summary>
    public string? Filter { get; init; }

    /// <summary>Items of the form <c>start_time DESC</c>; newest first when empty.</summary>
    public IReadOnlyList<string> OrderBy { get; init; } = [];

    public bool IncludeActive { get; init; } = true;

    public bool IncludeDeleted { get; init; }

    /// <summary>1 to <see cref="MaxPageSize"/>.</summary>
    public int PageSize { get; init; } = 1000;

    public string? PageToken { get; init; }
}
