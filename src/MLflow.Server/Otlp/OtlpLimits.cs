namespace MLflow.Server.Otlp;

/// <summary>Bounds of OTLP requests that no setting changes; the others are <see cref="MlflowServerLimits"/>.</summary>
internal static class OtlpLimits
{
    /// <summary>Nested protobuf messages, or levels of JSON; a level of an attribute's value takes three. Parsing recurses, so the bound protects the stack.</summary>
    public const int MaxNesting = 300;

    /// <summary>Attributes, values, events and other messages in one request: each is dozens of bytes in memory, however small it came.</summary>
    public const int MaxParts = 5_000_000;

    /// <summary>Characters of a trace id that a client chose.</summary>
    public const int MaxTraceIdLength = 250;

    /// <summary>Milliseconds for which a process may say that its traces are alive without being heard again, and what a word that is no such number means.</summary>
    public const long MaxLeaseMs = 24 * 60 * 60 * 1000;
    public const long DefaultLeaseMs = 60 * 1000;

    /// <summary>Different reasons that the answer to a request names for what it did not take.</summary>
    public const int MaxReasons = 3;

    /// <summary>Seconds after which a client that was told to come again should do so.</summary>
    public const int RetryAfterSeconds = 2;
}
