namespace MLflow.Server.Traces;

/// <summary>Something that happened within a span: an exception, a streamed chunk, an attempt.</summary>
/// <param name="Name">The event's name.</param>
/// <param name="TimeNs">Nanoseconds since the Unix epoch.</param>
/// <param name="Attributes">Attributes; each value is JSON text.</param>
public sealed record SpanEventRecord(string Name, long TimeNs, IReadOnlyList<KeyValuePair<string, string>> Attributes)
{
    /// <summary>Of an event that came as a log record: the attribute with the record's body.</summary>
    internal const string Body = "body";
}
