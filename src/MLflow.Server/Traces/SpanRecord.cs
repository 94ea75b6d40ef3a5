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

    /// <summary>Attributes in the order of arrival; each value is JSON text, so a string value has its quotes.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Attributes { get; init; } = [];

    public IReadOnlyList<SpanEventRecord> Events { get; init; } = [];

    /// <summary>Attributes of the resource that sent the span; each value is JSON text.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Resource { get; init; } = [];

    /// <summary>Name of the instrumentation that made the span.</summary>
    public string? ScopeName { get; init; }

    public string? ScopeVersion { get; init; }

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
