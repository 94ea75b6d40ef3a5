using System.Text.RegularExpressions;

namespace MLflow;

/// <summary>The rules of a program, checked and ready. Immutable.</summary>
internal sealed class RedactionRules
{
    private RedactionRules(PrivacyOptions options)
    {
        Keys = new HashSet<string>(options.RedactedKeys, StringComparer.OrdinalIgnoreCase);
        Paths = [.. options.RedactedPaths.Select(JsonPath.Parse)];
        Patterns = [.. options.RedactedPatterns.Select(Compile)];
        Redactor = options.Redactor;
        MaxBytes = options.MaxRedactedBytes;
        ScrubsSecrets = options.ScrubSecrets;
    }

    /// <summary>Takes out the lists of tokens that an answer may have beside its text: they are the text, in pieces.</summary>
    public static RedactionRules LogProbabilities { get; } = new(new PrivacyOptions { MaxRedactedBytes = int.MaxValue, RedactedKeys = { "logprobs" }, ScrubSecrets = false });

    /// <summary>Takes out nothing but <see cref="KnownSecrets"/>.</summary>
    public static RedactionRules KnownSecretsOnly { get; } = new(new PrivacyOptions { MaxRedactedBytes = int.MaxValue, ScrubSecrets = false });

    public HashSet<string> Keys { get; }

    public JsonPath[] Paths { get; }

    public Regex[] Patterns { get; }

    public Func<RedactedValue, string?>? Redactor { get; }

    public int MaxBytes { get; }

    public bool ScrubsSecrets { get; }

    /// <summary>Whether something may be taken out for where it stands, and then wherever else it stands.</summary>
    public bool RemovesByPlace => Keys.Count > 0 || Paths.Length > 0;

    /// <summary>Whether texts are scrubbed at all: known secrets always are.</summary>
    public bool Scrubs => ScrubsSecrets || KnownSecrets.HasAny;

    /// <summary>Whether there is anything but the scrubber.</summary>
    public bool HasRules => Keys.Count > 0 || Paths.Length > 0 || Patterns.Length > 0 || Redactor is not null;

    /// <inheritdoc cref="SecretScrubber.Suspects"/>
    public bool Suspects(ReadOnlySpan<byte> bytes) => ScrubsSecrets ? SecretScrubber.Suspects(bytes) : KnownSecrets.Suspects(bytes);

    /// <inheritdoc cref="SecretScrubber.Scrub(string)"/>
    /// <param name="text">What is looked at.</param>
    /// <param name="isName">Whether it names something.</param>
    public string? Scrub(string text, bool isName = false) => SecretScrubber.Scrub(text, onlyKnown: !ScrubsSecrets, isName);

    /// <exception cref="ArgumentException">A rule is none.</exception>
    public static RedactionRules Of(PrivacyOptions options)
    {
        if (options.RedactedKeys.Any(string.IsNullOrWhiteSpace))
        {
            throw new ArgumentException($"{nameof(PrivacyOptions.RedactedKeys)} has an empty name: give the name of a JSON member, for example ssn.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRedactedBytes, 1024, nameof(PrivacyOptions.MaxRedactedBytes));
        return new RedactionRules(options);
    }

    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException e)
        {
            throw new ArgumentException(
                $"'{pattern}' in {nameof(PrivacyOptions.RedactedPatterns)} cannot run without back-tracking: write it without look-arounds, back-references, atomic groups and conditions, or use {nameof(PrivacyOptions.Redactor)}.",
                e);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"'{pattern}' in {nameof(PrivacyOptions.RedactedPatterns)} is not a regular expression: {e.Message}", e);
        }
    }
}
