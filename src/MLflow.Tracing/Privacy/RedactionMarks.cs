namespace MLflow;

/// <summary>What stands where something was taken out.</summary>
internal static class RedactionMarks
{
    /// <summary>A rule or the scrubber took it out.</summary>
    public const string Redacted = SecretScrubber.Mark;

    /// <summary>A rule could not be applied.</summary>
    public const string Failed = "[WITHHELD: redaction failed]";

    /// <summary>The callback said so.</summary>
    public const string Withheld = "[WITHHELD]";

    /// <summary>Something was taken out of the stream's output, and a chunk could hold a part of it that says nothing by itself.</summary>
    public const string Chunk = "[WITHHELD: the stream was redacted]";
}
