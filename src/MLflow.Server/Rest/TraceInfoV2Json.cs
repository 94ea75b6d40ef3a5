using System.Globalization;
using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary>A trace's info as clients before 3.0 know it: <c>{"request_id":…,"timestamp_ms":…,"status":"OK","request_metadata":[{"key":…,"value":…}],…}</c></summary>
internal static class TraceInfoV2Json
{
    public static void Write(Utf8JsonWriter writer, TraceInfo info)
    {
        writer.WriteStartObject();
        writer.WriteString("request_id", info.TraceId);
        writer.WriteString("experiment_id", info.ExperimentId.ToString(CultureInfo.InvariantCulture));
        writer.WriteNumber("timestamp_ms", info.RequestTimeMs);
        writer.WriteNumber("execution_time_ms", info.DurationMs ?? 0);
        writer.WriteString("status", Name(info.State));

        // What newer servers say to newer clients.
        writer.WritePairs("request_metadata", [.. info.Metadata.Where(pair => pair.Key != TraceKeys.InfoFinalized)]);
        writer.WritePairs("tags", info.Tags);
        writer.WriteEndObject();
    }

    // An unknown name is not an error for MLflow either.
    public static TraceState ReadStatus(string? text) => text switch
    {
        "OK" or "1" => TraceState.Ok,
        "ERROR" or "2" => TraceState.Error,
        "IN_PROGRESS" or "3" => TraceState.InProgress,
        _ => TraceState.Unspecified,
    };

    private static string Name(TraceState state) => state switch
    {
        TraceState.Ok => "OK",
        TraceState.Error => "ERROR",
        TraceState.InProgress => "IN_PROGRESS",
        _ => "TRACE_STATUS_UNSPECIFIED",
    };
}
