using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// What stands between ended spans and their bytes: capture mode, the program's rules and the scrubber, in that order. Nothing passes to queue, disk or server
/// but through it. Immutable.
/// </summary>
internal sealed class PrivacyFilter
{
    private readonly RedactionRules _rules;
    private readonly HashSet<string> _metadataAttributes;
    private readonly SelfLog _log;
    private readonly StrongBox<long> _withheld;

    /// <param name="options">What the program says.</param>
    /// <param name="log">Takes troubles.</param>
    /// <param name="withheld">Counts values that were withheld because a rule could not be applied.</param>
    /// <exception cref="ArgumentException">A rule is none.</exception>
    public PrivacyFilter(PrivacyOptions options, SelfLog log, StrongBox<long> withheld)
    {
        _log = log;
        _withheld = withheld;
        _rules = RedactionRules.Of(options);
        _metadataAttributes = [.. options.MetadataAttributes];
        Mode = CaptureModes.Of(options, Environment.GetEnvironmentVariable(CaptureModes.Variable), log);
    }

    /// <summary>Everything but secrets.</summary>
    public static PrivacyFilter Default { get; } = new(new PrivacyOptions { Capture = CaptureMode.Full }, new SelfLog(null, TimeProvider.System), new());

    public CaptureMode Mode { get; }

    /// <exception cref="ArgumentException">A rule is none, or there is no such mode.</exception>
    public static void Check(PrivacyOptions options)
    {
        RedactionRules.Of(options);
        if (options.Capture is { } mode)
        {
            CaptureModes.Check(mode);
        }
    }

    /// <summary>Whether the facts of a trace are written through <see cref="Facts"/> at once, without a look at what was written.</summary>
    public bool ChangesFacts => _rules.HasRules || Mode == CaptureMode.Metadata;

    /// <summary>Whether it does nothing but take out secrets by their looks, as <see cref="Default"/> does.</summary>
    public bool OnlyScrubs => Mode == CaptureMode.Full && !_rules.HasRules && _rules.ScrubsSecrets;

    /// <summary>Whether what becomes of a value depends on what it is called.</summary>
    public bool AsksForNames => _rules.Keys.Count > 0 || _rules.Redactor is not null;

    /// <summary>Applies what has to be applied to each span, before it is encoded.</summary>
    public void Prepare(LiveSpan span)
    {
        if (Mode == CaptureMode.Metadata || span.IsWithoutContent)
        {
            MetadataFilter.Apply(span, _metadataAttributes);
        }

        if (_rules.HasRules || (_rules.Scrubs && (HasOutputInPieces(span) || SpanRedactor.HasElements(span))))
        {
            Redact(span);
        }
    }

    /// <summary>Scrubs a span whose bytes look as if there were a secret in them.</summary>
    /// <returns>True where it changed and has to be encoded again.</returns>
    public bool Scrub(LiveSpan span, ReadOnlySpan<byte> encoded) =>
        !_rules.HasRules && _rules.Suspects(encoded) && Redact(span);

    /// <summary>Whether the encoded facts of a trace look as if there were a secret in them.</summary>
    public bool Suspects(ReadOnlySpan<byte> facts) => !ChangesFacts && _rules.Suspects(facts);

    /// <summary>Whether bytes with UTF-8 among them look as if there were a secret in them.</summary>
    public bool SuspectsBytes(ReadOnlySpan<byte> bytes) => _rules.Suspects(bytes);

    /// <summary>Applies the rules to the facts of one trace.</summary>
    public FactsRedactor Facts() => new(_rules, Failed) { LeavesOutContent = Mode == CaptureMode.Metadata };

    private bool Redact(LiveSpan span)
    {
        try
        {
            return new SpanRedactor(_rules, Failed).Redact(span);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed(e);
            WithholdAll(span);
            return true;
        }
    }

    /// <summary>A fault of ours: nothing that may not have been looked at stays.</summary>
    private static void WithholdAll(LiveSpan span)
    {
        var attributes = span.RewritableAttributes;
        for (var i = 0; i < attributes.Count; i++)
        {
            attributes[i] = new(attributes[i].Key, AttributeValue.FromString(RedactionMarks.Failed));
        }

        span.RewritableEvents?.Clear();
        span.RewritableLinks?.Clear();
        span.Chunks?.Withhold(RedactionMarks.Failed);
        span.Rewrite("withheld", span.SpanType, null);
    }

    private static bool HasOutputInPieces(LiveSpan span)
    {
        foreach (ref readonly var attribute in span.EndedAttributeSpan)
        {
            if (attribute.Key == AttributeNames.Outputs)
            {
                return SpanRedactor.IsInPieces(attribute.Value);
            }
        }

        return false;
    }

    // The message of an exception may hold what was to be redacted.
    private void Failed(Exception? exception)
    {
        Interlocked.Increment(ref _withheld.Value);
        _log.Warn("redaction", exception is null
            ? $"A value was withheld because it is longer than {nameof(PrivacyOptions.MaxRedactedBytes)} allows a value to be redacted."
            : $"A value was withheld because a redaction rule failed on it: {exception.GetType().Name}.");
    }
}
