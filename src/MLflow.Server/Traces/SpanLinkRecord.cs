namespace MLflow.Server.Traces;

/// <summary>A span that another one refers to.</summary>
/// <param name="OtelTraceId">32 lowercase hexadecimal digits.</param>
/// <param name="SpanId">16 lowercase hexadecimal digits.</param>
/// <param name="Attributes">Attributes; each value is JSON text.</param>
public sealed record SpanLinkRecord(string OtelTraceId, string SpanId, IReadOnlyList<KeyValuePair<string, string>> Attributes);
