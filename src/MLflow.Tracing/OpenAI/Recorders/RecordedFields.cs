namespace MLflow;

/// <summary>What a recorder found in the bodies of one call.</summary>
internal sealed class RecordedFields
{
    /// <summary>The request body: JSON, or text where it is none. Null when there was no body.</summary>
    public AttributeValue Inputs { get; set; }

    /// <summary>The response body, or the stream merged to the shape of the response that is not streamed. Null when there was none.</summary>
    public AttributeValue Outputs { get; set; }

    public List<KeyValuePair<string, AttributeValue>> Attributes { get; } = [];

    /// <summary>One event for each chunk of a stream, up to the limits.</summary>
    public List<SpanEvent> ChunkEvents { get; } = [];

    public TokenUsage? Usage { get; set; }

    public string? RequestModel { get; set; }

    public string? ResponseModel { get; set; }

    /// <summary>Why the first choice ended.</summary>
    public string? FinishReason { get; set; }

    /// <summary>The error that the body reports, also in the middle of a stream.</summary>
    public ApiError? Error { get; set; }

    public int ChunkCount { get; set; }

    public int ChunksOmitted { get; set; }

    /// <summary>When the first chunk with content came, nanoseconds since the Unix epoch; null when none came.</summary>
    public long? FirstTokenNs { get; set; }

    /// <summary>True when the stream's own end was seen: <c>[DONE]</c>.</summary>
    public bool SawDone { get; set; }

    /// <summary>True when the stream's content is complete: its own end was seen, or every choice said why it ended.</summary>
    public bool IsStreamComplete { get; set; }
}
