namespace MLflow;

/// <summary>What a process can look at when it looks for a workspace and credentials.</summary>
/// <param name="Variable">The environment.</param>
/// <param name="Home">The user's folder; null where there is none.</param>
internal sealed record DatabricksSurroundings(Func<string, string?> Variable, string? Home)
{
    public static readonly DatabricksSurroundings OfProcess = new(
        Environment.GetEnvironmentVariable,
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? home : null);

    /// <summary>Where a serving container of Databricks keeps a token for what a model depends on.</summary>
    public string ModelServingTokenFile { get; init; } = "/var/credentials-secret/model-dependencies-oauth-token";

    /// <summary>Where a machine of Azure asks for tokens of its own identity: an address that leads nowhere but to the machine's host.</summary>
    public Uri InstanceMetadata { get; init; } = new("http://169.254.169.254");

    /// <summary>A variable that is set and not empty.</summary>
    public string? Read(string name) => Variable(name) is { Length: > 0 } value ? value : null;

    /// <summary>Path of a program in the folders of <c>PATH</c>; null where it is in none of them.</summary>
    public string? FindProgram(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""];
        var candidates =
            from folder in (Read("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            from ending in endings
            select Path.Combine(folder, name + ending);
        return candidates.FirstOrDefault(File.Exists);
    }
}
