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
        writer.WriteString("status", info.State == TraceState.Unspecified ? "TRACE_STATUS_UNSPECIFIED" : TraceInfoJson.Name(info.State));

        // What newer servers say to newer clients.
        writer.WritePairs("request_metadata", [.. info.Metadata.Where(pair => pair.Key != TraceKeys.InfoFinalized)]);
        writer.WritePairs("tags", info.Tags);
        writer.WriteEndObject();
    }
}
