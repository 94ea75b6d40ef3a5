namespace MLflow;

/// <summary>What of a stored assessment becomes another.</summary>
internal sealed record AssessmentUpdate
{
    public required AssessmentKind Kind { get; init; }

    public string? Name { get; init; }

    /// <summary>Whether value and error are told; together they replace what was there.</summary>
    public bool HasValue { get; init; }

    public AttributeValue Value { get; init; }

    public AssessmentError? Error { get; init; }

    public string? Rationale { get; init; }

    /// <summary>Added to what is there.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>The fields that are told, as a FieldMask's JSON: in lowerCamelCase, with commas between.</summary>
    public string Mask => string.Join(',', new[]
    {
        Name is null ? null : "assessmentName",
        HasValue ? Kind == AssessmentKind.Feedback ? "feedback" : "expectation" : null,
        Rationale is null ? null : "rationale",
        Metadata is { Count: > 0 } ? "metadata" : null,
    }.OfType<string>());
}
