using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <summary>One condition of a filter, as it is found out about a row that may match.</summary>
internal sealed record CandidateLeaf
{
    /// <summary>Its place among the conditions of the filter.</summary>
    public int Index { get; init; }

    /// <summary>The condition in SQL; null when the database cannot tell.</summary>
    public string? Sql { get; init; }

    /// <summary>An array of the texts of which one must match, in SQL.</summary>
    public string? Texts { get; init; }

    /// <summary>What one of the texts must do.</summary>
    public Predicate<string>? Matches { get; init; }

    /// <summary>What a span must do.</summary>
    public Predicate<SpanContent>? Span { get; init; }

    /// <summary>Whether it speaks of the span that the conditions beside it speak of; else of any.</summary>
    public bool IsOfSpan { get; init; }

    public bool ReadsPayload { get; init; }

    /// <summary>What to select of a row.</summary>
    public string? Column => Sql is not null ? $"COALESCE({Sql}, FALSE)" : Texts;
}
