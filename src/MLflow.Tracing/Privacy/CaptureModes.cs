namespace MLflow;

/// <summary>What is recorded where the program does not say.</summary>
internal static class CaptureModes
{
    /// <summary>
    /// The switch of OpenTelemetry's GenAI instrumentations: true or false, and since the conventions of 2025 where content goes (opentelemetry-util-genai 0.1).
    /// </summary>
    public const string Variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    /// <param name="options">What the program says.</param>
    /// <param name="variable">Value of the <see cref="Variable"/>.</param>
    /// <param name="log">Is told of a value that is none.</param>
    public static CaptureMode Of(PrivacyOptions options, string? variable, SelfLog log)
    {
        if (options.Capture is { } mode)
        {
            return Check(mode);
        }

        if (string.IsNullOrWhiteSpace(variable))
        {
            return CaptureMode.Full;
        }

        if (Parse(variable) is { } said)
        {
            return said;
        }

        // Whoever set it had something to say about privacy.
        log.Warn("capture-mode", $"{Variable} is '{variable}', which is none of true, false, NO_CONTENT, SPAN_ONLY, EVENT_ONLY and SPAN_AND_EVENT: no content is recorded.");
        return CaptureMode.Metadata;
    }

    /// <summary>What a value of the <see cref="Variable"/> means; null where it is none.</summary>
    private static CaptureMode? Parse(string value) => value.Trim().ToUpperInvariant() switch
    {
        "TRUE" or "SPAN_ONLY" or "SPAN_AND_EVENT" => CaptureMode.Full,
        "FALSE" or "NO_CONTENT" or "EVENT_ONLY" => CaptureMode.Metadata,
        _ => null,
    };

    /// <exception cref="ArgumentException">There is no such mode.</exception>
    public static CaptureMode Check(CaptureMode mode) =>
        Enum.IsDefined(mode) ? mode : throw new ArgumentException($"{mode} is no {nameof(CaptureMode)}: give Off, Metadata or Full.");
}
