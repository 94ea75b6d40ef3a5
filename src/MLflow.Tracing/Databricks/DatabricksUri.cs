namespace MLflow;

/// <summary>
/// Tracking URIs that name a Databricks workspace. A program writes <c>databricks</c> or <c>databricks://profile</c>; where a trace goes, and in the spool, it is
/// <c>databricks://host/profile</c>, so that a trace never reaches another workspace because the environment has changed.
/// </summary>
internal static class DatabricksUri
{
    public const string Scheme = "databricks";

    /// <summary>Whether a program's text is meant so.</summary>
    public static bool IsDatabricks(string text) =>
        text == Scheme || text.StartsWith(Scheme + ":", StringComparison.OrdinalIgnoreCase) || text.StartsWith("databricks-uc", StringComparison.OrdinalIgnoreCase) || text.StartsWith("uc:", StringComparison.OrdinalIgnoreCase);

    public static bool IsDatabricks(Uri address) => address.Scheme == Scheme;

    /// <returns>The profile, or the secrets as <c>scope:prefix</c>, that is named; null for none.</returns>
    /// <exception cref="ArgumentException">It is not of a form that is known.</exception>
    public static string? ReadProfile(string text)
    {
        if (text == Scheme)
        {
            return null;
        }

        if (!text.StartsWith(Scheme + "://", StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException(
                text.StartsWith(Scheme + ":", StringComparison.OrdinalIgnoreCase)
                    ? $"The tracking URI '{text}' has no profile after the two slashes: write 'databricks', or 'databricks://profile'."
                    : $"The tracking URI '{text}' names a registry of Unity Catalog, which takes no traces: write 'databricks', or 'databricks://profile', and name the catalog's schema as the destination.",
                nameof(text));
        }

        var profile = text[(Scheme.Length + 3)..];
        if (profile.Length == 0)
        {
            throw new ArgumentException($"The tracking URI '{text}' has no profile after the two slashes: write 'databricks', or 'databricks://profile'.", nameof(text));
        }

        // Of what has a colon both sides are looked at where they are read.
        return profile.IndexOfAny(['/', ' ']) is >= 0 and var at
            ? throw new ArgumentException($"The profile '{profile}' of the tracking URI '{text}' has a '{profile[at]}' in it, which names of profiles cannot have.", nameof(text))
            : profile;
    }

    /// <summary>The address of a destination.</summary>
    public static Uri ToAddress(Uri host, string? profile) =>
        new($"{Scheme}://{host.Authority}{(profile is null ? "" : "/" + Uri.EscapeDataString(profile))}");

    /// <summary>The profile in the address of a destination; null for none.</summary>
    public static string? ProfileOf(Uri address) => Uri.UnescapeDataString(address.AbsolutePath.Trim('/')) is { Length: > 0 } profile ? profile : null;

    /// <summary>As a program writes it.</summary>
    public static string ToText(Uri address) => ProfileOf(address) is { } profile ? $"{Scheme}://{profile}" : Scheme;
}
