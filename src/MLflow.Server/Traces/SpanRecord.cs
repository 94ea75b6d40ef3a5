namespace MLflow.Server.Traces;

/// <summary>A span as stored.</summary>
public sealed record SpanRecord
{
    /// <summary>The trace's MLflow id, see <see cref="TraceInfo.TraceId"/>.</summary>
    public required string TraceId { get; init; }

    /// <summary>OpenTelemetry's trace id: 32 lowercase hexadecimal digits.</summary>
    public required string OtelTraceId { get; init; }

    /// <summary>16 lowercase hexadecimal digits.</summary>
    public required string SpanId { get; init; }

    /// <summary>Null for a root.</summary>
    public string? ParentSpanId { get; init; }

    public required string Name { get; init; }

    /// <summary>MLflow's span type (<c>CHAT_MODEL</c>, <c>TOOL</c>, any other string); <c>UNKNOWN</c> when none was given.</summary>
    public required string Type { get; init; }

    public SpanStatus Status { get; init; }

    public string? StatusMessage { get; init; }

    /// <summary>Nanoseconds since the Unix epoch.</summary>
    public required long StartNs { get; init; }

    /// <summary>Nanoseconds since the Unix epoch; null while the span runs.</summary>
    public long? EndNs { get; init; }

    /// <summary>Attributes in the order of arrival, then <see cref="Mapped"/>; each value is JSON text, so a string value has its quotes.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Attributes { get; init; } = [];

    public IReadOnlyList<SpanEventRecord> Events { get; init; } = [];

    /// <summary>Attributes of the resource that sent the span; each value is JSON text.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Resource { get; init; } = [];

    /// <summary>Name of the instrumentation that made the span.</summary>
    public string? ScopeName { get; init; }

    public string? ScopeVersion { get; init; }

    public IReadOnlyList<KeyValuePair<string, string>> ScopeAttributes { get; init; } = [];

    /// <summary>Version of the semantic conventions that the instrumentation names, as a URL.</summary>
    public string? SchemaUrl { get; init; }

    /// <summary><c>INTERNAL</c>, <c>SERVER</c>, <c>CLIENT</c>, <c>PRODUCER</c> or <c>CONSUMER</c>; null when none was given.</summary>
    public string? Kind { get; init; }

    /// <summary>W3C's <c>tracestate</c>.</summary>
    public string? TraceState { get; init; }

    public IReadOnlyList<SpanLinkRecord> Links { get; init; } = [];

    /// <summary>Those of <see cref="Attributes"/> that say in MLflow's names what others say in those of another convention.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Mapped { get; init; } = [];

    /// <summary>The span as it was sent, where something was mapped or joined to it; else null.</summary>
    public SpanRecord? Sent { get; init; }

    /// <summary>
    /// Of a span that runs: it says that its trace is alive, and for how many milliseconds that may be believed. Nothing else of it is news where the span is stored already.
    /// Not a part of what is stored.
    /// </summary>
    internal long? LeaseMs { get; init; }

    /// <summary>It was read without its contents (<see cref="Storage.ITraceStore.GetSkeletonAsync"/>). It must not be stored like this. Not a part of what is stored.</summary>
    internal bool IsSkeleton { get; init; }

    /// <summary>Something of it could not be had from the blob store, and a sentence stands in its place. It must not be stored like this. Not a part of what is stored.</summary>
    internal bool IsIncomplete { get; init; }

    /// <summary>The JSON text of an attribute, or null.</summary>
    public string? this[string attribute]
    {
        get
        {
            foreach (var (key, value) in Attributes)
            {
                if (key == attribute)
                {
                    return value;
                }
            }

            return null;
        }
    }
}
