using System.Globalization;
using System.Text.Json;
using MLflow.Server.Runs;

namespace MLflow.Server.Rest;

/// <summary>MLflow's Run as JSON, both ways.</summary>
internal static class RunJson
{
    private const int MaxKeyLength = 250;
    private const int MaxParamLength = 6000;
    private const int MaxNameLength = 250;

    /// <summary>Longer tags are cut, as MLflow does.</summary>
    private const int MaxTagLength = 8000;

    public static void Write(Utf8JsonWriter writer, Run run)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("info");
        WriteInfo(writer, run);
        writer.WriteStartObject("data");
        writer.WriteList("metrics", run.Metrics, WriteMetric);
        writer.WritePairs("params", run.Params);
        writer.WritePairs("tags", run.Tags);
        writer.WriteEndObject();
        writer.WriteStartObject("inputs");
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    public static void WriteInfo(Utf8JsonWriter writer, Run run)
    {
        writer.WriteStartObject();
        writer.WriteString("run_uuid", run.RunId);
        writer.WriteString("experiment_id", run.ExperimentId.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("run_name", run.Name);
        writer.WriteString("user_id", run.UserId);
        writer.WriteString("status", run.Status.ToString().ToUpperInvariant());
        WriteTime(writer, "start_time", run.StartTimeMs);
        WriteTime(writer, "end_time", run.EndTimeMs);
        writer.WriteString("artifact_uri", run.ArtifactUri);
        writer.WriteString("lifecycle_stage", run.IsActive ? "active" : "deleted");
        writer.WriteString("run_id", run.RunId);
        writer.WriteEndObject();
    }

    /// <summary>Null where none is told.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: there is no such status.</exception>
    public static RunStatus? ReadStatus(string? text) =>
        string.IsNullOrEmpty(text) ? null
        : Enum.TryParse<RunStatus>(text, ignoreCase: true, out var status) && Enum.IsDefined(status) ? status
        : throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {text} for parameter 'status' supplied: it must be RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.");

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is missing or wrong.</exception>
    public static RunMetric ReadMetric(RequestJson json) => new(
        Key(json.Required("key")),
        ReadNumber(json.Required("value")),
        json.Int64("timestamp") ?? throw RequestJson.Missing("timestamp"),
        json.Int64("step") ?? 0);

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is missing or wrong.</exception>
    public static KeyValuePair<string, string> ReadParam(RequestJson json)
    {
        var value = json.String("value") ?? throw RequestJson.Missing("value");
        return value.Length <= MaxParamLength
            ? new(Key(json.Required("key")), value)
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Param value has {value.Length} characters, which exceeds the maximum length of {MaxParamLength} characters");
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is missing or wrong.</exception>
    public static KeyValuePair<string, string> ReadTag(RequestJson json) => Tag(json.Required("key"), json.String("value") ?? string.Empty);

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a key is wrong.</exception>
    public static Dictionary<string, string> ReadTags(RequestJson json) =>
        json.Pairs("tags").Select(pair => Tag(pair.Key, pair.Value)).ToDictionary(pair => pair.Key, pair => pair.Value);

    /// <summary>A name that fits.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it is too long.</exception>
    public static string Name(string name) => name.Length <= MaxNameLength
        ? name
        : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'run_name' exceeds the maximum length of {MaxNameLength} characters");

    private static KeyValuePair<string, string> Tag(string key, string value) =>
        new(Key(key), key == Run.NameTag ? Name(value) : value.Length > MaxTagLength ? value[..MaxTagLength] : value);

    private static string Key(string key) => key.Length <= MaxKeyLength
        ? key
        : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'key' exceeds the maximum length of {MaxKeyLength} characters");

    // Protobuf's JSON has what is no number as a string.
    private static double ReadNumber(string text) => text switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        "-Infinity" => double.NegativeInfinity,
        _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {text} for parameter 'value' supplied: it must be a number."),
    };

    private static void WriteMetric(Utf8JsonWriter writer, RunMetric metric)
    {
        writer.WriteStartObject();
        writer.WriteString("key", metric.Key);
        if (double.IsFinite(metric.Value))
        {
            writer.WriteNumber("value", metric.Value);
        }
        else
        {
            writer.WriteString("value", double.IsNaN(metric.Value) ? "NaN" : metric.Value > 0 ? "Infinity" : "-Infinity");
        }

        writer.WriteNumber("timestamp", metric.TimestampMs);
        writer.WriteNumber("step", metric.Step);
        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, string name, long? ms)
    {
        if (ms is { } time)
        {
            writer.WriteNumber(name, time);
        }
    }
}
