namespace MLflow.Server.Traces;

/// <summary>A search for traces.</summary>
public sealed record TraceQuery
{
    /// <summary>The most that a page may hold (MLflow's own limit).</summary>
    public const int MaxPageSize = 500;

    public required IReadOnlyList<long> ExperimentIds { get; init; }

    /// <summary>MLflow's filter grammar; null or empty for all.</summary>
    public string? Filter { get; init; }

    /// <summary>Items of the form <c>timestamp_ms DESC</c>; newest first when empty.</summary>
    public IReadOnlyList<string> OrderBy { get; init; } = [];

    /// <summary>1 to <see cref="MaxPageSize"/>.</summary>
    public int PageSize { get; init; } = 100;

    /// <summary>Opaque; from <see cref="TracePage.NextPageToken"/>.</summary>
    public string? PageToken { get; init; }
}
