using System.Text.Json;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Mcp;

/// <summary>The facts of a trace as short members.</summary>
internal static class TraceRow
{
    public static void Write(Utf8JsonWriter json, TraceInfo info, int previewBytes)
    {
        json.WriteString("trace_id", info.TraceId);
        json.Text("name", info.Tags.GetValueOrDefault(TraceKeys.TraceName) ?? info.Facts.Name, 200);
        json.WriteString("state", State(info.State));
        json.WriteString("time", ToolAnswer.Time(info.RequestTimeMs));
        json.Number("ms", info.DurationMs);
        json.Text("model", info.Facts.Model, 100);
        WriteTokens(json, TokenCounts.Parse(info.Metadata.GetValueOrDefault(TraceKeys.TokenUsage)));
        json.Number("cost_usd", (info.Facts.Cost ?? CallCost.Parse(info.Metadata.GetValueOrDefault(TraceKeys.Cost)))?.Usd);
        json.Text("session", info.Metadata.GetValueOrDefault(TraceKeys.Session), 200);
        json.Text("user", info.Metadata.GetValueOrDefault(TraceKeys.User), 200);
        json.Text("error", Error(info.Facts.ErrorType, info.Facts.ErrorMessage), 300);
        json.Text("request", info.RequestPreview, previewBytes);
        json.Text("response", info.ResponsePreview, previewBytes);
    }

    public static void WriteTokens(Utf8JsonWriter json, TokenCounts tokens)
    {
        if (tokens.Any)
        {
            json.WriteStartObject("tokens");
            json.Number("input", tokens.Input);
            json.Number("output", tokens.Output);
            json.Number("total", tokens.Total);
            json.Number("cached_input", tokens.CachedInput);
            json.WriteEndObject();
        }
    }

    public static string? Error(string? type, string? message) => (type, message) switch
    {
        (null, _) => message,
        (_, null) => type,
        _ => $"{type}: {message}",
    };

    private static string State(TraceState state) => state switch
    {
        TraceState.Ok => "OK",
        TraceState.Error => "ERROR",
        TraceState.InProgress => "IN_PROGRESS",
        _ => "STATE_UNSPECIFIED",
    };
}
