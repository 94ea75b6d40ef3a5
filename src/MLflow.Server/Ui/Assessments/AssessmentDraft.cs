using System.Globalization;
using System.Text.Json;
using MLflow.Server.Assessments;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Assessments;

/// <summary>An assessment as a form holds it.</summary>
public sealed class AssessmentDraft
{
    /// <summary>Characters of a name, as in the API.</summary>
    public const int MaxName = 250;

    /// <summary>Characters of a value or a rationale: a page sends each in one message of its circuit.</summary>
    public const int MaxText = 8000;

    private const string Yes = "true";

    public string Name { get; set; } = "";

    public bool IsExpectation { get; set; }

    public ValueKind Kind { get; set; }

    /// <summary><c>true</c> or <c>false</c> for <see cref="ValueKind.YesNo"/>, else as it was typed.</summary>
    public string Value { get; set; } = Yes;

    public string Rationale { get; set; } = "";

    /// <summary>Null: on the whole trace.</summary>
    public string? SpanId { get; set; }

    /// <summary>What it takes the place of; null for a new one.</summary>
    public AssessmentRecord? Replaced { get; private init; }

    /// <summary>Why it cannot be stored, in words; null where it can.</summary>
    public string? Problem =>
        string.IsNullOrWhiteSpace(Name) ? T("Give it a name, for example helpful.")
        : Name.Length > MaxName ? T("The name has more than {0} characters.", MaxName)
        : Value.Length > MaxText || Rationale.Length > MaxText ? T("The text has more than {0} characters.", MaxText)
        : Kind == ValueKind.Number && Number is null ? T("“{0}” is not a number. Write it as 0.8 or 5.", Value)
        : Kind is ValueKind.Category or ValueKind.Text && string.IsNullOrWhiteSpace(Value) ? T("Give it a value.")
        : Kind == ValueKind.Json && !StoredJson.IsJson(Value) ? T("The value is not JSON.")
        : null;

    /// <summary>The value as it is stored.</summary>
    private string Stored => Kind switch
    {
        ValueKind.YesNo => Value == Yes ? Yes : "false",
        ValueKind.Number => Number!.Value.ToString("R", CultureInfo.InvariantCulture),
        ValueKind.Json => StoredJson.Structure(Value),
        _ => StoredJson.Quote(Value.Trim()),
    };

    private double? Number => double.TryParse(Value.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>The next version of an assessment.</summary>
    public static AssessmentDraft Of(AssessmentRecord assessment)
    {
        var value = TolerantJson.Parse(assessment.Value);
        var kind = value.ValueKind switch
        {
            JsonValueKind.True or JsonValueKind.False => ValueKind.YesNo,
            JsonValueKind.Number => ValueKind.Number,
            JsonValueKind.String => ValueKind.Text,
            _ => ValueKind.Json,
        };
        return new AssessmentDraft
        {
            Name = assessment.Name,
            IsExpectation = assessment.Type == AssessmentType.Expectation,
            Kind = kind,
            Value = kind == ValueKind.Text ? value.GetString()! : assessment.Value,
            Rationale = assessment.Rationale ?? "",
            SpanId = assessment.SpanId,
            Replaced = assessment,
        };
    }

    /// <summary>What is stored, where there is no <see cref="Problem"/>.</summary>
    /// <param name="traceId">Whose it is.</param>
    /// <param name="user">Who gives it.</param>
    /// <param name="nowMs">When.</param>
    public AssessmentRecord ToRecord(string traceId, string user, long nowMs) => new()
    {
        AssessmentId = "a-" + Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture),
        TraceId = traceId,
        SpanId = SpanId,
        Name = Name.Trim(),
        Type = IsExpectation ? AssessmentType.Expectation : AssessmentType.Feedback,
        Value = Stored,
        SourceType = "HUMAN",
        SourceId = user,
        Rationale = string.IsNullOrWhiteSpace(Rationale) ? null : Rationale.Trim(),
        Metadata = Replaced?.Metadata ?? new Dictionary<string, string>(),
        CreateTimeMs = nowMs,
        LastUpdateTimeMs = nowMs,
        Overrides = Replaced?.AssessmentId,
    };
}
