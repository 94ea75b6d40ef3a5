namespace MLflow.Server.Assessments;

/// <summary>A judgement on a trace or on one of its spans, by a person, a model or a program.</summary>
public sealed record AssessmentRecord
{
    /// <summary><c>a-</c> and 32 hexadecimal digits.</summary>
    public required string AssessmentId { get; init; }

    public required string TraceId { get; init; }

    /// <summary>Null: on the whole trace.</summary>
    public string? SpanId { get; init; }

    /// <summary>What is judged, for example <c>correctness</c>. Several assessments of a trace may have the same name.</summary>
    public required string Name { get; init; }

    public required AssessmentType Type { get; init; }

    /// <summary>JSON text: any value for feedback and expectations (<c>null</c> where there is an error only), the object of an issue.</summary>
    public required string Value { get; init; }

    /// <summary>The client sent the value as text that holds JSON, and gets it back so.</summary>
    public bool IsSerialized { get; init; }

    /// <summary>Why there is no value: JSON text of an object with <c>error_code</c>, <c>error_message</c>, <c>stack_trace</c>.</summary>
    public string? Error { get; init; }

    /// <summary><c>HUMAN</c>, <c>LLM_JUDGE</c>, <c>CODE</c> or <c>SOURCE_TYPE_UNSPECIFIED</c>.</summary>
    public required string SourceType { get; init; }

    public string? SourceId { get; init; }

    public string? Rationale { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Milliseconds since the Unix epoch.</summary>
    public required long CreateTimeMs { get; init; }

    /// <summary>Milliseconds since the Unix epoch.</summary>
    public required long LastUpdateTimeMs { get; init; }

    /// <summary>Id of the assessment that this one replaces.</summary>
    public string? Overrides { get; init; }

    /// <summary>False once another one replaces it. Searches see valid ones only.</summary>
    public bool IsValid { get; init; } = true;
}
