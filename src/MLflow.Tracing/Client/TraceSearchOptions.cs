namespace MLflow;

/// <summary>Where and how <see cref="MlflowClient.SearchTracesAsync"/> looks.</summary>
public sealed class TraceSearchOptions
{
    /// <summary>Names of experiments to look in, besides those of <see cref="ExperimentIds"/>. Where both are empty: the experiment that new traces go to.</summary>
    public IList<string> Experiments { get; init; } = [];

    /// <summary>Ids of experiments to look in.</summary>
    public IList<string> ExperimentIds { get; init; } = [];

    /// <summary>
    /// Order of the traces: <c>timestamp_ms DESC</c>, <c>execution_time_ms</c>, <c>tags.k ASC</c> and others of MLflow's. Empty: the newest first.
    /// </summary>
    public IList<string> OrderBy { get; init; } = [];

    /// <summary>Traces to give at most. Null: all that match, fetched page by page as they are read.</summary>
    public int? MaxResults { get; init; }

    /// <summary>Traces in one request, 1 to 500.</summary>
    public int PageSize { get; init; } = 100;

    /// <summary>Whether the traces come with their spans, which costs requests of its own. Without them a trace has its facts, tags, metadata, previews and assessments.</summary>
    public bool IncludeSpans { get; init; } = true;

    /// <summary>Only traces of this run (<c>run_id</c> of the filter). Null: of any run and of none.</summary>
    public string? RunId { get; init; }
}
