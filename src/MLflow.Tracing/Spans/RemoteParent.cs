using System.Diagnostics;

namespace MLflow;

/// <summary>A span of another process.</summary>
/// <param name="TraceId">Its trace.</param>
/// <param name="SpanId">The span.</param>
/// <param name="IsRecorded">Whether the other process records it.</param>
internal sealed record RemoteParent(ActivityTraceId TraceId, ActivitySpanId SpanId, bool IsRecorded);
