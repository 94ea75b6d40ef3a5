namespace MLflow;

/// <summary>How <see cref="MlflowClient.SearchExperimentsAsync"/> looks.</summary>
public sealed class ExperimentSearchOptions
{
    /// <summary>Order of the experiments: <c>name ASC</c>, <c>creation_time DESC</c>, <c>last_update_time</c>, <c>experiment_id</c>. Empty: the newest first.</summary>
    public IList<string> OrderBy { get; init; } = [];

    /// <summary>Experiments to give at most. Null: all that match, fetched page by page as they are read.</summary>
    public int? MaxResults { get; init; }

    /// <summary>Experiments in one request, 1 to 50,000.</summary>
    public int PageSize { get; init; } = 1000;

    /// <summary>Whether experiments that are in use are given.</summary>
    public bool IncludeActive { get; init; } = true;

    /// <summary>Whether deleted ones are given.</summary>
    public bool IncludeDeleted { get; init; }
}
