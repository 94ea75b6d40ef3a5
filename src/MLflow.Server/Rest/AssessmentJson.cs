using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Assessments;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary>MLflow's Assessment as JSON, both ways.</summary>
internal static class AssessmentJson
{
    private const int MaxNameLength = 250;
    private static readonly System.Buffers.SearchValues<char> Hex = System.Buffers.SearchValues.Create("0123456789abcdef");
    private const string Unspecified = "SOURCE_TYPE_UNSPECIFIED";

    public static void Write(Utf8JsonWriter writer, AssessmentRecord assessment)
    {
        writer.WriteStartObject();
        writer.WriteString("assessment_id", assessment.AssessmentId);
        writer.WriteString("assessment_name", assessment.Name);
        writer.WriteString("trace_id", assessment.TraceId);
        writer.WriteText("span_id", assessment.SpanId);
        writer.WriteStartObject("source");
        writer.WriteString("source_type", assessment.SourceType);
        writer.WriteText("source_id", assessment.SourceId);
        writer.WriteEndObject();
        writer.WriteString("create_time", WireTime.Format(assessment.CreateTimeMs));
        writer.WriteString("last_update_time", WireTime.Format(assessment.LastUpdateTimeMs));
        WriteValue(writer, assessment);
        writer.WriteText("rationale", assessment.Rationale);
        writer.WriteMap("metadata", assessment.Metadata);
        writer.WriteText("overrides", assessment.Overrides);
        writer.WriteBoolean("valid", assessment.IsValid);
        writer.WriteEndObject();
    }

    /// <summary>An assessment to create; <paramref name="newId"/> says its id.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is missing or wrong.</exception>
    public static AssessmentRecord Read(RequestJson json, string traceId, long nowMs, Func<AssessmentRecord, string> newId)
    {
        var (type, value, isSerialized, error) = ReadValue(json)
            ?? throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Unknown assessment type: None");
        var source = json.Object("source");
        var assessment = new AssessmentRecord
        {
            AssessmentId = "",
            TraceId = traceId,
            SpanId = json.String("span_id") is { Length: > 0 } spanId ? spanId : null,
            Name = RequireName(json.Required("assessment_name")),
            Type = type,
            Value = value,
            IsSerialized = isSerialized,
            Error = error,
            SourceType = SourceType(source?.String("source_type")),
            SourceId = source?.String("source_id"),
            Rationale = json.String("rationale"),
            Metadata = json.Map("metadata"),
            CreateTimeMs = WireTime.Parse(json.String("create_time"), "create_time") ?? nowMs,
            LastUpdateTimeMs = WireTime.Parse(json.String("last_update_time"), "last_update_time") ?? nowMs,
            Overrides = json.String("overrides") is { Length: > 0 } overrides ? overrides : null,
            IsValid = json.Boolean("valid") ?? true,
        };
        return assessment with { AssessmentId = newId(assessment) };
    }

    /// <summary>What the fields that the mask names say. MLflow honours no others.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is missing or wrong.</exception>
    public static AssessmentChange ReadChange(RequestJson json, string mask)
    {
        // A FieldMask's JSON is one text of names in lowerCamelCase.
        var fields = mask.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        var change = new AssessmentChange
        {
            Name = Has("assessmentName", "assessment_name") ? RequireName(json.Required("assessment_name")) : null,
            HasRationale = Has("rationale"),
            Rationale = json.String("rationale"),
            Metadata = Has("metadata") ? json.Map("metadata") : [],
            IsValid = Has("valid") ? json.Boolean("valid") ?? false : null,
        };
        if (!Has("feedback") && !Has("expectation"))
        {
            return change;
        }

        var (type, value, isSerialized, error) = ReadValue(json) ?? throw RequestJson.Missing(Has("feedback") ? "feedback" : "expectation");
        return change with { Type = type, Value = value, IsSerialized = isSerialized, Error = error };

        bool Has(params ReadOnlySpan<string> names)
        {
            foreach (var name in names)
            {
                if (fields.Contains(name))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>An id for a new assessment.</summary>
    public static string NewId(AssessmentRecord assessment) => "a-" + Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture);

    /// <summary>An assessment that comes with its trace, and has an id already where it comes from another server. That of another trace's copy may be there already, and is not taken.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is missing or wrong.</exception>
    public static AssessmentRecord ReadOfTrace(RequestJson json, string traceId, long nowMs) =>
        Read(json, traceId, nowMs, assessment =>
            json.String("assessment_id") is { } id && IsId(id) && (json.String("trace_id") ?? traceId) == traceId ? id : IdOfContent(assessment));

    /// <summary>Whether a text is what MLflow gives for an id: other text may be anything, and stands in addresses.</summary>
    private static bool IsId(string text) => text.Length == 34 && text.StartsWith("a-", StringComparison.Ordinal) && text.AsSpan(2).IndexOfAnyExcept(Hex) < 0;

    /// <summary>An id that is the same when the same assessment comes again, with a trace info that is sent twice.</summary>
    private static string IdOfContent(AssessmentRecord assessment)
    {
        var content = string.Join(
            '\n',
            assessment.TraceId,
            assessment.SpanId,
            assessment.Name,
            assessment.Type,
            assessment.Value,
            assessment.SourceType,
            assessment.SourceId,
            assessment.Error,
            assessment.Rationale,
            string.Join('\n', assessment.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => pair.Key + "=" + pair.Value)),
            assessment.CreateTimeMs.ToString(CultureInfo.InvariantCulture));
        return "a-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)).AsSpan(0, 16));
    }

    private static void WriteValue(Utf8JsonWriter writer, AssessmentRecord assessment)
    {
        switch (assessment.Type)
        {
            case AssessmentType.Issue:
                writer.WritePropertyName("issue");
                writer.WriteRawValue(assessment.Value, skipInputValidation: true);
                return;
            case AssessmentType.Expectation:
                writer.WriteStartObject("expectation");
                break;
            default:
                writer.WriteStartObject("feedback");
                break;
        }

        if (assessment.IsSerialized)
        {
            writer.WriteStartObject("serialized_value");
            writer.WriteString("serialization_format", "JSON_FORMAT");
            writer.WriteString("value", assessment.Value);
            writer.WriteEndObject();
        }
        else
        {
            writer.WritePropertyName("value");
            writer.WriteRawValue(assessment.Value, skipInputValidation: true);
        }

        if (assessment.Error is not null)
        {
            writer.WritePropertyName("error");
            writer.WriteRawValue(assessment.Error, skipInputValidation: true);
        }

        writer.WriteEndObject();
    }

    private static (AssessmentType Type, string Value, bool IsSerialized, string? Error)? ReadValue(RequestJson json)
    {
        if (json.Object("feedback") is { } feedback)
        {
            return (AssessmentType.Feedback, Raw(feedback, "value") ?? "null", false, feedback.Object("error") is { } error ? ErrorText(error) : null);
        }

        if (json.Object("expectation") is { } expectation)
        {
            return expectation.Object("serialized_value")?.Required("value") is { } serialized
                ? StoredJson.IsJson(serialized)
                    ? (AssessmentType.Expectation, StoredJson.Structure(serialized), true, null)
                    : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {serialized} for parameter 'serialized_value' supplied: it must be the text of JSON.")
                : (AssessmentType.Expectation, Raw(expectation, "value") ?? throw RequestJson.Missing("value"), false, null);
        }

        return json.Object("issue") is null ? null : (AssessmentType.Issue, Raw(json, "issue")!, false, null);
    }

    private static string ErrorText(RequestJson error)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteText("error_code", error.String("error_code"));
            writer.WriteText("error_message", error.String("error_message"));
            writer.WriteText("stack_trace", error.String("stack_trace"));
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(json.GetBuffer().AsSpan(0, (int)json.Length));
    }

    private static string? Raw(RequestJson json, string name) => json.Element(name) is { } element ? StoredJson.Structure(element.GetRawText()) : null;

    private static string SourceType(string? text) => text switch
    {
        "HUMAN" or "1" => "HUMAN",
        "LLM_JUDGE" or "AI_JUDGE" or "2" => "LLM_JUDGE",
        "CODE" or "3" => "CODE",
        _ => Unspecified,
    };

    private static string RequireName(string name) => name.Length <= MaxNameLength
        ? name
        : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'assessment_name' exceeds the maximum length of {MaxNameLength} characters");
}
