namespace MLflow;

/// <summary>An assessment that is to be stored.</summary>
internal sealed record NewAssessment
{
    public required AssessmentKind Kind { get; init; }

    public required string TraceId { get; init; }

    public string? SpanId { get; init; }

    public required string Name { get; init; }

    /// <summary>Null where there is an error only.</summary>
    public required AttributeValue Value { get; init; }

    public AssessmentError? Error { get; init; }

    public required AssessmentSource Source { get; init; }

    public string? Rationale { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    public string? Overrides { get; init; }

    public required DateTimeOffset Time { get; init; }
}
