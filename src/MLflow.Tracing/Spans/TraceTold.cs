namespace MLflow;

/// <summary>What the program says of a trace beyond tags and metadata. Null says nothing.</summary>
internal sealed record TraceTold
{
    public static readonly TraceTold Nothing = new();

    public string? ClientRequestId { get; init; }

    public string? RequestPreview { get; init; }

    public string? ResponsePreview { get; init; }

    public SpanStatusCode? State { get; init; }
}
