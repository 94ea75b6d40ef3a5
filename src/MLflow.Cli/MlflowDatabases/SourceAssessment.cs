using System.Globalization;
using System.Text.Json;

namespace MLflow.Cli.MlflowDatabases;

/// <summary>A row of MLflow's <c>assessments</c>.</summary>
internal sealed record SourceAssessment(
    string Id, string Name, string Type, string? Value, string? Error, long CreatedMs, long UpdatedMs, string SourceType, string? SourceId, string? SpanId, string? Rationale, string? Overrides, bool IsValid, string? Metadata)
{
    /// <summary>Writes it as the API takes it.</summary>
    public void Write(Utf8JsonWriter json, string traceId)
    {
        json.WriteStartObject();
        json.WriteString("assessment_id", Id);
        json.WriteString("assessment_name", Name);
        json.WriteString("trace_id", traceId);
        Write(json, "span_id", SpanId);
        json.WriteStartObject("source");
        json.WriteString("source_type", SourceType);
        Write(json, "source_id", SourceId);
        json.WriteEndObject();
        json.WriteString("create_time", Time(CreatedMs));
        json.WriteString("last_update_time", Time(UpdatedMs));
        json.WriteStartObject(Type);
        WriteValue(json);
        if (Error is not null)
        {
            json.WritePropertyName("error");
            json.WriteRawValue(Error);
        }

        json.WriteEndObject();
        Write(json, "rationale", Rationale);
        Write(json, "overrides", Overrides);
        if (Metadata is not null)
        {
            json.WritePropertyName("metadata");
            json.WriteRawValue(Metadata);
        }

        json.WriteBoolean("valid", IsValid);
        json.WriteEndObject();
    }

    // Expectations that are no plain value go as text.
    private void WriteValue(Utf8JsonWriter json)
    {
        var value = string.IsNullOrEmpty(Value) ? "null" : Value;
        if (Type == "expectation" && value[0] is '[' or '{')
        {
            json.WriteStartObject("serialized_value");
            json.WriteString("serialization_format", "JSON_FORMAT");
            json.WriteString("value", value);
            json.WriteEndObject();
            return;
        }

        json.WritePropertyName("value");
        json.WriteRawValue(value);
    }

    private static void Write(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
