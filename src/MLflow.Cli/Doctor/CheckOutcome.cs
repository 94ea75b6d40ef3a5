namespace MLflow.Cli.Doctor;

/// <summary>How a check ended.</summary>
internal enum CheckOutcome
{
    Ok,

    /// <summary>Tracing works, but something is worth knowing.</summary>
    Warning,

    Failed,

    /// <summary>It could not be made, because one before it failed, or does not apply.</summary>
    Skipped,
}
