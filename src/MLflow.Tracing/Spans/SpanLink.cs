using System.Diagnostics;

namespace MLflow;

/// <summary>Another span that a span has to do with, of its own trace or another.</summary>
/// <param name="TraceId">The other span's trace.</param>
/// <param name="SpanId">The other span.</param>
/// <param name="Attributes">What is said of the link. Not changed after creation.</param>
internal readonly record struct SpanLink(ActivityTraceId TraceId, ActivitySpanId SpanId, KeyValuePair<string, AttributeValue>[] Attributes);
