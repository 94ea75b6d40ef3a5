namespace MLflow;

/// <summary>Names of experiments in a workspace: paths of its folders.</summary>
internal static class ExperimentPath
{
    private const string Workspace = "/Workspace/";

    /// <summary>The name as the workspace stores it: without <c>/Workspace</c>, which people see before it.</summary>
    /// <exception cref="ArgumentException">It is no path.</exception>
    public static string Normalize(string name)
    {
        if (!name.StartsWith('/'))
        {
            throw new ArgumentException($"The experiment '{name}' is no path of a Databricks workspace, where experiments lie in folders: write '/Shared/{name}', or '/Users/<your user name>/{name}'.", nameof(name));
        }

        var path = name.StartsWith(Workspace, StringComparison.Ordinal) ? name[(Workspace.Length - 1)..] : name;
        return path.EndsWith('/') || path.Contains("//", StringComparison.Ordinal)
            ? throw new ArgumentException($"The experiment '{name}' has an empty name in its path: write it as '/Shared/my-experiment'.", nameof(name))
            : path;
    }

    /// <summary>The folder in which it lies.</summary>
    public static string FolderOf(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";
}
