namespace MLflow;

/// <summary>What values of settings must be, wherever they are set. Each rule gives the rest of a sentence that begins with the setting's name; null where the value is fine.</summary>
internal static class SettingRules
{
    public static string? OfRatio(double? ratio) =>
        ratio is null or (>= 0 and <= 1) ? null : FormattableString.Invariant($"is {ratio}: it must be from 0 (no trace) to 1 (every trace).");

    public static string? OfKeepSlowerThan(TimeSpan? time) => time < TimeSpan.Zero ? $"is {time}: it must be a time that a trace can take." : null;

    public static string? OfTraceTimeout(TimeSpan? timeout) => timeout <= TimeSpan.Zero ? $"is {timeout}: it must be more than nothing. Leave it away for none." : null;
}
