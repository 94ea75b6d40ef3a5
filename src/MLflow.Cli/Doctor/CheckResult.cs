namespace MLflow.Cli.Doctor;

/// <summary>What a check found, in one line.</summary>
/// <param name="Check">Its name: one word.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Text">What is so and, where it is wrong, how to mend it.</param>
internal sealed record CheckResult(string Check, CheckOutcome Outcome, string Text);
