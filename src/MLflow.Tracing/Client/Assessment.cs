using System.Text.Json;

namespace MLflow;

/// <summary>A judgement on a trace or on one of its spans: feedback, or what would have been right.</summary>
public sealed class Assessment
{
    internal Assessment()
    {
    }

    /// <summary>The id that the server gave. Null for one that was logged on a trace that still runs: it gets one when the trace is stored.</summary>
    public string? AssessmentId { get; internal init; }

    /// <summary>What is judged, for example <c>correctness</c>.</summary>
    public string Name { get; internal init; } = "";

    /// <summary>The trace.</summary>
    public string TraceId { get; internal init; } = "";

    /// <summary>The span; null where it is on the whole trace.</summary>
    public string? SpanId { get; internal init; }

    /// <summary>Feedback or expectation.</summary>
    public AssessmentKind Kind { get; internal init; }

    /// <summary>
    /// The value: a boolean, a number, text, a list or an object. Null where there is an error only. MLflow's own server gives back whole numbers as <c>5.0</c>:
    /// <see cref="Number"/> reads both.
    /// </summary>
    public JsonElement? Value { get; internal init; }

    /// <summary>The value where it is true or false, else null.</summary>
    public bool? Boolean => Value?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>The value where it is a number, else null.</summary>
    public double? Number => Value is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;

    /// <summary>The value where it is text, else null.</summary>
    public string? Text => Value is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>Why there is no value; null where there is one.</summary>
    public AssessmentError? Error { get; internal init; }

    /// <summary>Who judged.</summary>
    public AssessmentSource Source { get; internal init; } = new(AssessmentSourceType.Unspecified, null);

    /// <summary>Why; null where nobody said.</summary>
    public string? Rationale { get; internal init; }

    /// <summary>What else was said.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; internal init; } = new Dictionary<string, string>();

    /// <summary>When it was made.</summary>
    public DateTimeOffset? CreateTime { get; internal init; }

    /// <summary>When it was last changed.</summary>
    public DateTimeOffset? LastUpdateTime { get; internal init; }

    /// <summary>Id of the feedback that this one replaces.</summary>
    public string? Overrides { get; internal init; }

    /// <summary>False once another one replaces it: then it is history.</summary>
    public bool IsValid { get; internal init; } = true;

    /// <summary>Name and value.</summary>
    public override string ToString() => $"{Name} = {Value?.GetRawText() ?? Error?.Code}";
}
