namespace MLflow;

/// <summary>Applies rules to the facts of a trace: previews, tags, metadata, assessments.</summary>
internal sealed class FactsRedactor
{
    private readonly ValueRedactor _values;

    /// <inheritdoc cref="ValueRedactor(RedactionRules, Action{Exception?})"/>
    public FactsRedactor(RedactionRules rules, Action<Exception?> failed) => _values = new ValueRedactor(rules, failed);

    /// <summary>Previews that the program told are left out.</summary>
    public bool LeavesOutContent { get; init; }

    public string Redact(string key, string value) => key switch
    {
        // What a request's parameter became is covered by the rules for the parameter.
        TraceKeys.User => _values.Redact(key, value, "user", "safety_identifier"),
        TraceKeys.Session => _values.Redact(key, value, "conversation"),
        _ => _values.Redact(key, value),
    };

    public NewAssessment Redact(NewAssessment assessment)
    {
        var value = assessment.Value;
        _values.Redact(assessment.Name, ref value);
        return assessment with
        {
            Value = value,
            Rationale = Rationale(assessment.Rationale),
            Error = Error(assessment.Error),
            Metadata = Metadata(assessment.Metadata),
        };
    }

    /// <param name="change">What is to change.</param>
    /// <param name="name">What the assessment is called. Empty where nobody needs to know.</param>
    public AssessmentUpdate Redact(AssessmentUpdate change, string name)
    {
        var value = change.Value;
        _values.Redact(name, ref value);
        return change with { Value = value, Rationale = Rationale(change.Rationale), Error = Error(change.Error), Metadata = Metadata(change.Metadata) };
    }

    private string? Rationale(string? rationale) => Text("assessment.rationale", rationale);

    private AssessmentError? Error(AssessmentError? error) => error is null
        ? null
        : error with { Message = Text("assessment.error.message", error.Message), StackTrace = Text("assessment.error.stacktrace", error.StackTrace) };

    private Dictionary<string, string>? Metadata(IReadOnlyDictionary<string, string>? metadata) => metadata?.ToDictionary(pair => pair.Key, pair => _values.Redact(pair.Key, pair.Value));

    private string? Text(string name, string? text) => text is null ? null : _values.Redact(name, text);
}
