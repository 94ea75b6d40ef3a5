namespace MLflow;

/// <summary>Something that happened while a span ran.</summary>
/// <param name="Name">The event's name.</param>
/// <param name="TimeNs">Nanoseconds since the Unix epoch.</param>
/// <param name="Attributes">The event's attributes.</param>
internal readonly record struct SpanEvent(string Name, long TimeNs, KeyValuePair<string, AttributeValue>[] Attributes);
