using System.Globalization;
using System.Text.Json;
using static MLflow.ApiJson;

namespace MLflow;

/// <summary>Assessments as MLflow's API writes them (<c>assessments.proto</c> of MLflow 3).</summary>
internal static class AssessmentFormat
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = AnyValueReader.MaxDepth };

    public static Assessment Read(JsonElement json)
    {
        var (kind, body) = (Member(json, "feedback"), Member(json, "expectation"), Member(json, "issue")) switch
        {
            ({ } feedback, _, _) => (AssessmentKind.Feedback, feedback),
            (_, { } expectation, _) => (AssessmentKind.Expectation, expectation),
            (_, _, { } issue) => (AssessmentKind.Issue, issue),
            _ => throw new FormatException("an assessment has neither 'feedback' nor 'expectation' nor 'issue'"),
        };
        var source = Member(json, "source") ?? default;
        return new Assessment
        {
            AssessmentId = Text(json, "assessment_id"),
            Name = Text(json, "assessment_name") ?? "",
            TraceId = Text(json, "trace_id") ?? "",
            SpanId = Text(json, "span_id") is { Length: > 0 } spanId ? spanId : null,
            Kind = kind,
            Value = kind == AssessmentKind.Issue ? body : ReadValue(body),
            Error = Member(body, "error") is { } error && kind == AssessmentKind.Feedback
                ? new AssessmentError(Text(error, "error_code") ?? "", Text(error, "error_message"), Text(error, "stack_trace"))
                : null,
            Source = new AssessmentSource(ReadType(Text(source, "source_type")), Text(source, "source_id")),
            Rationale = Text(json, "rationale"),
            Metadata = Member(json, "metadata") is { ValueKind: JsonValueKind.Object } metadata
                ? metadata.EnumerateObject().DistinctBy(p => p.Name).ToDictionary(p => p.Name, p => Text(p.Value) ?? "")
                : [],
            CreateTime = ReadTime(json, "create_time"),
            LastUpdateTime = ReadTime(json, "last_update_time"),
            Overrides = Text(json, "overrides") is { Length: > 0 } overrides ? overrides : null,
            IsValid = Member(json, "valid")?.ValueKind != JsonValueKind.False,
        };
    }

    /// <summary>A value to create or to change to: the member <c>feedback</c> or <c>expectation</c>.</summary>
    public static void WriteValue(Utf8JsonWriter json, AssessmentKind kind, AttributeValue value, AssessmentError? error)
    {
        json.WriteStartObject(kind == AssessmentKind.Feedback ? "feedback" : "expectation");
        var text = AttributeJson.Of(value);
        if (kind == AssessmentKind.Expectation && (text.StartsWith('{') || text.StartsWith('[')))
        {
            json.WriteStartObject("serialized_value");
            json.WriteString("serialization_format", "JSON_FORMAT");
            json.WriteString("value", text);
            json.WriteEndObject();
        }
        else
        {
            json.WritePropertyName("value");
            json.WriteRawValue(text, skipInputValidation: true);
        }

        if (error is not null)
        {
            json.WriteStartObject("error");
            json.WriteString("error_code", error.Code);
            WriteText(json, "error_message", error.Message);
            WriteText(json, "stack_trace", error.SentStackTrace);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, NewAssessment assessment)
    {
        json.WriteStartObject();
        json.WriteString("assessment_name", assessment.Name);
        json.WriteString("trace_id", assessment.TraceId);
        WriteText(json, "span_id", assessment.SpanId);
        json.WriteStartObject("source");
        json.WriteString("source_type", assessment.Source.Type switch
        {
            AssessmentSourceType.Human => "HUMAN",
            AssessmentSourceType.LlmJudge => "LLM_JUDGE",
            AssessmentSourceType.Code => "CODE",
            _ => "SOURCE_TYPE_UNSPECIFIED",
        });
        WriteText(json, "source_id", assessment.Source.Id);
        json.WriteEndObject();
        var time = assessment.Time.ToUniversalTime().ToString(TimeFormat, CultureInfo.InvariantCulture);
        json.WriteString("create_time", time);
        json.WriteString("last_update_time", time);
        WriteValue(json, assessment.Kind, assessment.Value, assessment.Error);
        WriteText(json, "rationale", assessment.Rationale);
        WriteMetadata(json, assessment.Metadata);
        WriteText(json, "overrides", assessment.Overrides);
        if (assessment.Kind == AssessmentKind.Feedback)
        {
            json.WriteBoolean("valid", true);
        }

        json.WriteEndObject();
    }

    public static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is not { Count: > 0 })
        {
            return;
        }

        json.WriteStartObject("metadata");
        foreach (var (key, value) in metadata)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    /// <summary>Lists and objects of expectations are text that holds JSON.</summary>
    private static JsonElement? ReadValue(JsonElement body) =>
        Member(body, "serialized_value") is { } serialized && Text(serialized, "value") is { } text ? JsonElement.Parse(text, Options) : Member(body, "value");

    private static AssessmentSourceType ReadType(string? text) => text switch
    {
        "HUMAN" => AssessmentSourceType.Human,
        "LLM_JUDGE" or "AI_JUDGE" => AssessmentSourceType.LlmJudge,
        "CODE" => AssessmentSourceType.Code,
        _ => AssessmentSourceType.Unspecified,
    };

    private static DateTimeOffset? ReadTime(JsonElement json, string name) =>
        DateTimeOffset.TryParse(Text(json, name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
