namespace MLflow.Server.Assessments;

/// <summary>What an update changes. A flag says that a field is told; what is not told stays.</summary>
public sealed record AssessmentChange
{
    /// <summary>Null: the name stays.</summary>
    public string? Name { get; init; }

    /// <summary>Null: the value stays. Else it must be the assessment's own type.</summary>
    public AssessmentType? Type { get; init; }

    /// <summary>With <see cref="Type"/>: see <see cref="AssessmentRecord.Value"/>.</summary>
    public string Value { get; init; } = "null";

    /// <summary>With <see cref="Type"/>.</summary>
    public bool IsSerialized { get; init; }

    /// <summary>With <see cref="Type"/>; null removes it.</summary>
    public string? Error { get; init; }

    public bool HasRationale { get; init; }

    /// <summary>With <see cref="HasRationale"/>; null removes it.</summary>
    public string? Rationale { get; init; }

    /// <summary>Added to what is there.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Null: stays.</summary>
    public bool? IsValid { get; init; }
}
