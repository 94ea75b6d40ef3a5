namespace MLflow;

/// <summary>How much of the traced work is recorded.</summary>
public enum CaptureMode
{
    /// <summary>Nothing: no trace is recorded.</summary>
    Off,

    /// <summary>
    /// What happened and what it cost, without what was said: models, parameters, tool names, tokens, times, finish reasons, status and types of errors, but no
    /// prompts, answers, arguments, results, chunks, bodies or texts of errors.
    /// </summary>
    Metadata,

    /// <summary>Everything.</summary>
    Full,
}
