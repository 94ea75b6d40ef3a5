using System.Text.Json;
using MLflow.Tests.Otlp;

namespace MLflow.Tests.Export;

/// <summary>A request that the loopback server received.</summary>
internal sealed record RecordedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>The test answered, and the server took nothing of it.</summary>
    public bool WasIntercepted { get; set; }

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public ExportTraceServiceRequest Otlp => ExportTraceServiceRequest.Parser.ParseFrom(Body);

    public IEnumerable<Span> Spans => Otlp.ResourceSpans.SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans);

    /// <summary>Facts that came with spans.</summary>
    public IEnumerable<JsonElement> Facts => Spans.SelectMany(s => s.Attributes).Where(a => a.Key == "mlflow.traceFacts")
        .Select(a => JsonDocument.Parse(a.Value.StringValue).RootElement.GetProperty("trace").GetProperty("trace_info"));

    /// <summary>Calls that the server is to record.</summary>
    public IEnumerable<Span> PlainCalls => Spans.Where(s => s.Attributes.Any(a => a.Key == "mlflow.plainCall"));

    public string? Header(string name) => Headers.GetValueOrDefault(name);
}
