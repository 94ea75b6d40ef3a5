namespace MLflow;

/// <summary>
/// What is recorded, and what is taken out of it before it leaves the program or is written to its disk. Rules run in the background, over inputs, outputs,
/// attributes, events, links, chunks of streams, texts of errors, names, tags, metadata and previews.
/// </summary>
public sealed class PrivacyOptions
{
    private const int DefaultMaxRedactedBytes = 8 << 20;

    /// <summary>
    /// How much is recorded. Null: <c>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT</c> decides, where it is set: <c>false</c>, <c>NO_CONTENT</c> and
    /// <c>EVENT_ONLY</c> (content in log events, of which MLflow has none) mean <see cref="CaptureMode.Metadata"/>, <c>true</c>, <c>SPAN_ONLY</c> and
    /// <c>SPAN_AND_EVENT</c> mean <see cref="CaptureMode.Full"/>. Else <see cref="CaptureMode.Full"/>.
    /// </summary>
    public CaptureMode? Capture { get; set; }

    /// <summary>
    /// With <see cref="CaptureMode.Metadata"/>: attributes of your own whose text is no content and is kept. Numbers and booleans are kept anyway. Empty by default.
    /// </summary>
    public IList<string> MetadataAttributes { get; } = [];

    /// <summary>
    /// Takes out what looks like a key, a token, a password or another credential. Default true. Turn it off only where such texts are what you trace, for
    /// example made-up ones.
    /// </summary>
    public bool ScrubSecrets { get; set; } = true;

    /// <summary>
    /// Names whose values are taken out: of members of JSON at any depth, also of JSON that is text inside JSON, as the arguments of a tool call are; of
    /// attributes, tags and metadata. In any case. Empty by default.
    /// </summary>
    public IList<string> RedactedKeys { get; } = [];

    /// <summary>
    /// JSON paths of what is taken out of each JSON value: <c>$.messages[*].content</c>, <c>$..email</c>, <c>$.metadata['card-number']</c>. There are
    /// <c>.name</c>, <c>['name']</c>, <c>[0]</c>, <c>*</c> and <c>..</c>; no filters. Empty by default.
    /// </summary>
    public IList<string> RedactedPaths { get; } = [];

    /// <summary>
    /// Regular expressions of what is taken out of texts. They run without back-tracking, so that no text can make one slow: a pattern with look-arounds,
    /// back-references or atomic groups is refused. Empty by default.
    /// </summary>
    public IList<string> RedactedPatterns { get; } = [];

    /// <summary>
    /// Gets each value once, after the other rules, and returns what is recorded of it; null withholds the value. Where a list may have a text in pieces, it also gets the
    /// text as a whole. A span that is shown while it runs is asked about again at its end. It is called in the background, by several
    /// threads at once, must be safe for that, should be fast, and where it throws the value is withheld. Null by default.
    /// </summary>
    public Func<RedactedValue, string?>? Redactor { get; set; }

    /// <summary>Bytes of a value beyond which it is withheld where there are rules, because they would take too long. Default 8 MiB.</summary>
    public int MaxRedactedBytes { get; set; } = DefaultMaxRedactedBytes;

    /// <summary>The program has said nothing.</summary>
    internal bool IsUnset => Capture is null && ScrubSecrets && Redactor is null && MaxRedactedBytes == DefaultMaxRedactedBytes
        && MetadataAttributes.Count + RedactedKeys.Count + RedactedPaths.Count + RedactedPatterns.Count == 0;
}
