using System.Globalization;
using System.Text.Json;
using MLflow.Server.Otlp;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary>MLflow's TraceInfoV3 as JSON, both ways.</summary>
internal static class TraceInfoJson
{
    public static void Write(Utf8JsonWriter writer, TraceInfo info)
    {
        writer.WriteStartObject();
        writer.WriteString("trace_id", info.TraceId);
        writer.WriteText("client_request_id", info.ClientRequestId);
        writer.WriteStartObject("trace_location");
        writer.WriteString("type", "MLFLOW_EXPERIMENT");
        writer.WriteStartObject("mlflow_experiment");
        writer.WriteString("experiment_id", info.ExperimentId.ToString(CultureInfo.InvariantCulture));
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteText("request_preview", info.RequestPreview);
        writer.WriteText("response_preview", info.ResponsePreview);
        writer.WriteString("request_time", WireTime.Format(info.RequestTimeMs));
        if (info.DurationMs is { } duration)
        {
            writer.WriteString("execution_duration", Duration(duration));
        }

        writer.WriteString("state", Name(info.State));
        writer.WriteMap("trace_metadata", info.Metadata);
        writer.WriteList("assessments", info.Assessments, AssessmentJson.Write);
        writer.WriteMap("tags", info.Tags);
        writer.WriteEndObject();
    }

    /// <summary>The trace info in the body of StartTraceV3.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is missing or wrong.</exception>
    public static TraceInfo ReadStartTrace(RequestJson body)
    {
        var trace = body.Object("trace") ?? throw RequestJson.Missing("trace");
        return Read(trace.Object("trace_info") ?? throw RequestJson.Missing("trace_info"));
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: id, experiment or a time is missing or wrong.</exception>
    public static TraceInfo Read(RequestJson json)
    {
        var experimentId = json.Object("trace_location") is { } location ? ExperimentOf(location) : null;
        var traceId = json.Required("trace_id");
        if (traceId.Length > OtlpLimits.MaxTraceIdLength)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'trace_id' exceeds the maximum length of {OtlpLimits.MaxTraceIdLength} characters");
        }

        var requestTimeMs = WireTime.Parse(json.String("request_time"), "request_time") ?? 0;
        return new TraceInfo
        {
            TraceId = traceId,
            ExperimentId = ExperimentEndpoints.ParseId(experimentId ?? throw RequestJson.Missing("trace_location")),
            ClientRequestId = json.String("client_request_id"),
            RequestTimeMs = requestTimeMs,
            DurationMs = ReadDuration(json.String("execution_duration")),
            State = ReadState(json.String("state")),
            RequestPreview = json.String("request_preview"),
            ResponsePreview = json.String("response_preview"),
            Metadata = json.Map("trace_metadata"),
            Tags = json.Map("tags"),
            Assessments = [.. json.Objects("assessments").Select(item => AssessmentJson.ReadOfTrace(item, traceId, requestTimeMs))],
        };
    }

    /// <summary>The experiment of a trace location; null for those of other kinds, which are in Databricks.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something is wrong.</exception>
    public static string? ExperimentOf(RequestJson location) =>
        location.String("type") is null or "" or "MLFLOW_EXPERIMENT" or "1" ? location.Object("mlflow_experiment")?.String("experiment_id") : null;

    public static string Name(TraceState state) => state switch
    {
        TraceState.Ok => "OK",
        TraceState.Error => "ERROR",
        TraceState.InProgress => "IN_PROGRESS",
        _ => "STATE_UNSPECIFIED",
    };

    /// <summary>By name or number; what is unknown is no error for MLflow either.</summary>
    public static TraceState ReadState(string? text) => text switch
    {
        "OK" or "1" => TraceState.Ok,
        "ERROR" or "2" => TraceState.Error,
        "IN_PROGRESS" or "3" => TraceState.InProgress,
        _ => TraceState.Unspecified,
    };

    private static string Duration(long ms) =>
        (ms / 1000m).ToString(ms % 1000 == 0 ? "0" : "0.000", CultureInfo.InvariantCulture) + "s";

    private static long? ReadDuration(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        return text.EndsWith('s') && decimal.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            && Math.Abs(seconds) < long.MaxValue / 1000
            ? (long)(seconds * 1000)
            : throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {text} for parameter 'execution_duration' supplied: it must be seconds like 0.127s.");
    }
}
