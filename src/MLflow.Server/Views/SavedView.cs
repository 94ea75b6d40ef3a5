namespace MLflow.Server.Views;

/// <summary>A list of traces that somebody gave a name: its filter, time, order and columns.</summary>
public sealed record SavedView
{
    /// <summary>Characters of a name.</summary>
    public const int MaxNameLength = 100;

    /// <summary>Characters of a query.</summary>
    public const int MaxQueryLength = 20_000;

    /// <summary>Views of an experiment.</summary>
    public const int MaxPerExperiment = 100;

    public required long ExperimentId { get; init; }

    /// <summary>Unique in the experiment.</summary>
    public required string Name { get; init; }

    /// <summary>The query of the list's address, without a question mark: <c>q=…&amp;sort=…</c>.</summary>
    public required string Query { get; init; }

    /// <summary>Who saved it last; null where the server knows no users.</summary>
    public string? SavedBy { get; init; }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the name or the query is none.</exception>
    internal void Require()
    {
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > MaxNameLength || Name.Contains('\0', StringComparison.Ordinal))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The name of a view must have 1 to {MaxNameLength} characters; it has {Name.Length}.");
        }

        if (Query.Length > MaxQueryLength || Query.Contains('\0', StringComparison.Ordinal))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The query of a view may have {MaxQueryLength} characters; it has {Query.Length}.");
        }
    }

    internal static MlflowException TooMany(long experimentId) =>
        new(ErrorCode.INVALID_PARAMETER_VALUE, $"The experiment {experimentId} has {MaxPerExperiment} views, which is the most; delete one.");
}
