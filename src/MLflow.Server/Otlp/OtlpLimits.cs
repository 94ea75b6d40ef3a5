namespace MLflow.Server.Otlp;

/// <summary>Bounds of one OTLP request.</summary>
internal static class OtlpLimits
{
    /// <summary>Bytes of the body as sent.</summary>
    public const int MaxBodyBytes = 64 * 1024 * 1024;

    /// <summary>Bytes after decompression: a small body can unfold into a very large one.</summary>
    public const int MaxDecompressedBytes = 128 * 1024 * 1024;

    /// <summary>Nested protobuf messages; a level of a JSON value takes three. Parsing recurses, so the bound protects the stack.</summary>
    public const int MaxNesting = 300;

    /// <summary>Spans in one request.</summary>
    public const int MaxSpans = 100_000;

    /// <summary>Characters of a trace id that a client chose.</summary>
    public const int MaxTraceIdLength = 250;
}
