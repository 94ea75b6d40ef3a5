namespace MLflow;

/// <summary>
/// The file <c>~/.databrickscfg</c>: sections of <c>key = value</c>. Names of sections are case-sensitive, and unlike in other files of that form no section takes over what
/// <c>DEFAULT</c> says.
/// </summary>
internal sealed class DatabricksProfiles
{
    public const string DefaultProfile = "DEFAULT";

    private const string Settings = "__settings__";

    private readonly Dictionary<string, Dictionary<string, string>> _sections = new(StringComparer.Ordinal);

    private DatabricksProfiles()
    {
    }

    /// <summary>The profile for those who name none.</summary>
    public string Preferred => _sections.GetValueOrDefault(Settings)?.GetValueOrDefault("default_profile") is { Length: > 0 } named ? named : DefaultProfile;

    /// <summary>Names of the profiles, for messages.</summary>
    public IEnumerable<string> Names => _sections.Keys.Where(name => name != Settings);

    /// <returns>Null where there is no such file.</returns>
    /// <exception cref="ArgumentException">The file cannot be read.</exception>
    public static DatabricksProfiles? Read(string path)
    {
        try
        {
            return File.Exists(path) ? Parse(File.ReadAllLines(path)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"The Databricks configuration file '{path}' cannot be read: {e.Message}", e);
        }
    }

    public static DatabricksProfiles Parse(IEnumerable<string> lines)
    {
        var profiles = new DatabricksProfiles();
        Dictionary<string, string>? section = null;
        foreach (var line in lines.Select(line => line.Trim()))
        {
            if (line.Length == 0 || line[0] is '#' or ';')
            {
                continue;
            }

            if (line[0] == '[' && line[^1] == ']')
            {
                var name = line[1..^1].Trim();
                if (!profiles._sections.TryGetValue(name, out section))
                {
                    profiles._sections[name] = section = [];
                }
            }
            else if (section is not null && line.IndexOf('=', StringComparison.Ordinal) is > 0 and var at)
            {
                section[line[..at].Trim()] = line[(at + 1)..].Trim();
            }
        }

        return profiles;
    }

    /// <summary>Null where there is no such profile; <c>DEFAULT</c> is one only if it says something.</summary>
    public IReadOnlyDictionary<string, string>? Find(string name) =>
        name != Settings && _sections.GetValueOrDefault(name) is { } section && (section.Count > 0 || name != DefaultProfile) ? section : null;
}
