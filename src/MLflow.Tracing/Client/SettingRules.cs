namespace MLflow;

/// <summary>What values of settings must be, wherever they are set. Each rule gives the rest of a sentence that begins with the setting's name; null where the value is fine.</summary>
internal static class SettingRules
{
    public static string? OfRatio(double? ratio) =>
        ratio is null or (>= 0 and <= 1) ? null : FormattableString.Invariant($"is {ratio}: it must be from 0 (no trace) to 1 (every trace).");

    /// <summary>Metadata of a trace, as which an id is sent, has no more characters in MLflow's clients.</summary>
    private const int MaxIdLength = 250;

    public static string? OfId(string? id) =>
        id is null || (!string.IsNullOrWhiteSpace(id) && id.Length <= MaxIdLength) ? null : $"is '{TracePreview.Cut(id, 40)}' ({id.Length} characters): an id has 1 to {MaxIdLength} characters. Leave it away for none.";

    public static string? OfKeepSlowerThan(TimeSpan? time) => time < TimeSpan.Zero ? $"is {time}: it must be a time that a trace can take." : null;

    /// <returns>A whole sentence, which has no credentials.</returns>
    public static string? OfCredentials(string prefix, MlflowClientOptions options)
    {
        var (user, password, token) = ($"{prefix}{nameof(options.TrackingUsername)}", $"{prefix}{nameof(options.TrackingPassword)}", $"{prefix}{nameof(options.TrackingToken)}");
        var hasUser = !string.IsNullOrEmpty(options.TrackingUsername);
        var hasPassword = !string.IsNullOrEmpty(options.TrackingPassword);
        if (!string.IsNullOrEmpty(options.TrackingToken) && (hasUser || hasPassword))
        {
            return $"{token} and {(hasUser ? user : password)} are both set: give a token, or a name and a password.";
        }

        if (hasUser != hasPassword)
        {
            return $"{(hasUser ? user : password)} is set without {(hasUser ? password : user)}: give both.";
        }

        if (options.TrackingUsername?.Contains(':', StringComparison.Ordinal) == true)
        {
            return $"{user} contains a colon, which a name cannot.";
        }

        foreach (var (name, value) in ((string, string?)[])[(user, options.TrackingUsername), (password, options.TrackingPassword), (token, options.TrackingToken)])
        {
            if (value?.Any(char.IsControl) == true)
            {
                return $"{name} contains a line break or another control character: a file that it was read from may end in one.";
            }
        }

        return null;
    }

    public static string? OfTraceTimeout(TimeSpan? timeout) => timeout <= TimeSpan.Zero ? $"is {timeout}: it must be more than nothing. Leave it away for none." : null;
}
