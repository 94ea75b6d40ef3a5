using System.Text.Json;
using MLflow.Tests.Otlp;

namespace MLflow.Tests.Export;

/// <summary>A request that the loopback server received.</summary>
internal sealed record RecordedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public ExportTraceServiceRequest Otlp => ExportTraceServiceRequest.Parser.ParseFrom(Body);

    public IEnumerable<Span> Spans => Otlp.ResourceSpans.SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans);

    public string? Header(string name) => Headers.GetValueOrDefault(name);
}
