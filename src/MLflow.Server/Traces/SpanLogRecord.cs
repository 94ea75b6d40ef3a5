namespace MLflow.Server.Traces;

/// <summary>A log record that tells something of a span. It may come before its span, and knows the trace by OpenTelemetry's id only.</summary>
/// <param name="OtelTraceId">32 lowercase hexadecimal digits.</param>
/// <param name="SpanId">16 lowercase hexadecimal digits.</param>
/// <param name="Event">What it tells, as an event of the span.</param>
public sealed record SpanLogRecord(string OtelTraceId, string SpanId, SpanEventRecord Event);
