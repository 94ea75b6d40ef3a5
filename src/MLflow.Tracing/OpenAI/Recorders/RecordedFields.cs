namespace MLflow;

/// <summary>What a recorder found in the bodies of one call.</summary>
internal sealed class RecordedFields
{
    /// <summary>The request body: JSON, or text where it is none. Null when there was no body.</summary>
    public AttributeValue Inputs { get; set; }

    /// <summary>The response body, or the stream merged to the shape of the response that is not streamed. Null when there was none.</summary>
    public AttributeValue Outputs { get; set; }

    /// <summary>Parameters and facts. There is room for those of most calls.</summary>
    public List<KeyValuePair<string, AttributeValue>> Attributes { get; init; } = new(32);

    /// <summary>Where only the beginning of an image, an audio, a file or a vector is kept.</summary>
    public List<TrimmedMedia> Media { get; } = [];

    /// <summary>What is kept of a stream besides its merged output.</summary>
    public StreamLimits Limits { get; init; } = StreamLimits.None;

    /// <summary>The operation that the bodies showed to be meant, where the path alone does not tell; else null.</summary>
    public ApiOperation? Operation { get; set; }

    /// <summary>The chunks of a stream. Null when it had none.</summary>
    public ChunkLog? Chunks { get; set; }

    public TokenUsage? Usage { get; set; }

    /// <summary>What output tokens are that the usage does not tell apart.</summary>
    public string RestOfOutput { get; init; } = MLflow.UsageBuckets.OutputText;

    /// <summary>The usage as the server reported it, JSON. Null when it reported none.</summary>
    public byte[]? ReportedUsage { get; set; }

    /// <summary>The tokens by what they were, see <see cref="MLflow.UsageBuckets"/>. Null when no tokens were reported.</summary>
    public byte[]? UsageBuckets { get; set; }

    public string? RequestModel { get; set; }

    public string? ResponseModel { get; set; }

    /// <summary>Why the first choice, or the response, ended.</summary>
    public string? FinishReason { get; set; }

    /// <summary>The error that the body reports, also in the middle of a stream.</summary>
    public ApiError? Error { get; set; }

    /// <summary>Id that the server gave to its answer.</summary>
    public string? ResponseId { get; set; }

    /// <summary>Id of the response that the answer continues.</summary>
    public string? PreviousResponseId { get; set; }

    /// <summary>Class of service by which the call was served.</summary>
    public string? ServiceTier { get; set; }

    public string? SystemFingerprint { get; set; }

    /// <summary>The conversation that the call belongs to.</summary>
    public string? Session { get; set; }

    /// <summary>The end user for whom the program made the call.</summary>
    public string? User { get; set; }

    /// <summary>When the first chunk with content came, nanoseconds since the Unix epoch; null when none came.</summary>
    public long? FirstTokenNs { get; set; }

    /// <summary>When the last chunk with content came; null when none came.</summary>
    public long? LastTokenNs { get; set; }

    /// <summary>Longest time between two chunks with content, in nanoseconds; null when there were fewer than two.</summary>
    public long? LongestGapNs { get; set; }

    /// <summary>True when the stream's own end was seen: <c>[DONE]</c>.</summary>
    public bool SawDone { get; set; }

    /// <summary>What the <c>event:</c> line of the end mark said; null when it had none.</summary>
    public string? DoneEvent { get; set; }

    /// <summary>True when the stream's content is complete: its own end was seen, or every choice said why it ended.</summary>
    public bool IsStreamComplete { get; set; }
}
