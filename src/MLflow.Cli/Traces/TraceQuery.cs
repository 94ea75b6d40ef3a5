namespace MLflow.Cli.Traces;

/// <summary>One page of a search.</summary>
/// <param name="ExperimentIds">Where to look.</param>
/// <param name="Filter">MLflow's filter; null for every trace.</param>
/// <param name="OrderBy">MLflow's order; empty for the newest first.</param>
/// <param name="PageSize">1 to 500.</param>
/// <param name="PageToken">What the page before gave; null for the first.</param>
internal sealed record TraceQuery(IReadOnlyList<string> ExperimentIds, string? Filter, IReadOnlyList<string> OrderBy, int PageSize, string? PageToken)
{
    public const int MaxPageSize = 500;
}
