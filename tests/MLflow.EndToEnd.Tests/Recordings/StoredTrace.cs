using System.Text.Json;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>A trace as the server's API tells it, with attributes decoded to JSON.</summary>
public sealed class StoredTrace
{
    public StoredTrace(JsonElement trace)
    {
        var info = trace.GetProperty("trace_info");
        State = info.GetProperty("state").GetString()!;
        RequestPreview = Text(info, "request_preview");
        ResponsePreview = Text(info, "response_preview");
        Metadata = Map(info, "trace_metadata");
        Tags = Map(info, "tags");
        Spans = [.. trace.GetProperty("spans").EnumerateArray().Select(span => new StoredSpan(span))];
    }

    public string State { get; }

    public string? RequestPreview { get; }

    public string? ResponsePreview { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    public IReadOnlyDictionary<string, string> Tags { get; }

    public IReadOnlyList<StoredSpan> Spans { get; }

    /// <summary>The single span of an OpenAI call.</summary>
    public StoredSpan? Call => Spans.Where(span => span.Attributes.ContainsKey("openai.operation")).Take(2).ToList() is [var call] ? call : null;

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static Dictionary<string, string> Map(JsonElement element, string name) =>
        element.TryGetProperty(name, out var map) ? map.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!) : [];
}
